"""A store with one product, and a merchant who asks for runs of its photo."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from PIL import Image

from generations.models import Generation
from tests.generations import sample_pictures as samples
from tests.products import Photo, Product, photo_content

TOOL = "/dashboard/tools/background-removal"
Callbacks = Callable[..., AbstractContextManager[list[Callable[[], None]]]]


class OneMug:
    """A store with one product, as an account's product source."""

    mug = Product("gid://shopify/Product/1", "Enamel mug", (Photo("7", "A mug"),))

    def list_products(self, account_id: int, search: str = "") -> list[Product]:
        return [self.mug]

    def get_product(self, account_id: int, product_id: str) -> Product:
        if product_id != self.mug.id:
            raise LookupError(product_id)
        return self.mug

    def read_photo(self, account_id: int, product_id: str, photo_id: str) -> bytes:
        if photo_id != "7":
            raise LookupError(photo_id)
        return photo_content()

    def read_preview(self, url: str) -> bytes:
        return photo_content()


class ClosedStore(OneMug):
    """A store that does not answer."""

    def list_products(self, account_id: int, search: str = "") -> list[Product]:
        raise ConnectionError("The store does not answer. Try again in a minute.")


def upload(image: Image.Image | None = None, name: str = "mug.png") -> SimpleUploadedFile:
    content = samples.encoded(image or samples.quarters(), "PNG")
    return SimpleUploadedFile(name, content, "image/png")


def ask(client: Client, key: str = "k1", **data: object) -> HttpResponse:
    """Press the run button, as htmx does."""
    form = {"key": key, "image": upload()} | data
    return client.post(TOOL, form, headers={"HX-Request": "true"})  # type: ignore[return-value]


def stored_files(account_id: int) -> list[str]:
    """The pictures of an account in storage, without their previews."""
    folder = f"accounts/{account_id}"
    names = default_storage.listdir(folder)[1] if default_storage.exists(folder) else []
    return [name for name in names if "preview" not in name]


def lose_worker() -> None:
    """What a worker's death leaves behind, once a sweep has found its lease run out."""
    long_ago = timezone.now() - timedelta(minutes=1)
    Generation.objects.filter(state="running").update(lease_until=long_ago, suspected_at=long_ago)

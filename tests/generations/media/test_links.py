"""The addresses of pictures and product photos."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import timedelta

import time_machine
from django.core import signing
from django.test import Client
from django.utils import timezone
from PIL import Image

from credits.signals import account_erased
from generations.media import links, product_photos
from generations.models import Generation, Picture
from tests.generations.mug_store import TOOL, Callbacks, OneMug, ask, stored_files
from tests.merchants import Merchant


class TestFiles:
    def test_are_served_by_a_signed_link_only(self, owner: Merchant, client: Client) -> None:
        ask(owner.client)
        picture = Picture.objects.get(role=Picture.Role.INPUT)

        response = client.get(links.link(picture, download=True))

        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        assert hashlib.sha256(content).hexdigest() == picture.sha256
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert client.get(f"/files/{picture.pk}").status_code == 404
        assert client.get(links.link(picture)[:-1] + "x").status_code == 404

    def test_links_end_after_a_quarter_of_an_hour(self, owner: Merchant, client: Client) -> None:
        ask(owner.client)
        link = links.link(Picture.objects.get(role=Picture.Role.INPUT))

        with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
            response = client.get(link)

        assert response.status_code == 410
        assert "Links to images work for 15 minutes." in response.content.decode()

    def test_go_with_the_prompts_when_a_store_is_forgotten(
        self, owner: Merchant, django_capture_on_commit_callbacks: Callbacks
    ) -> None:
        ask(owner.client, image="", photo="gid://shopify/Product/1 7")

        with django_capture_on_commit_callbacks(execute=True):
            answers = account_erased.send(sender=None, account_id=owner.account.pk)

        assert {"pictures": 1, "runs": 1} in [dict(erased or {}) for _receiver, erased in answers]
        run = Generation.objects.get()
        assert (run.product_title, run.requested_by, run.price) == ("", None, 20)
        assert stored_files(owner.account.pk) == []


class TestProductPhotos:
    def test_come_from_our_own_address(self, owner: Merchant, client: Client) -> None:
        [address] = re.findall(
            r'src="(/product-photos/[^"]+)"', owner.client.get(TOOL).content.decode()
        )

        response = client.get(address)

        assert response["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(response.content)) as image:
            assert image.size == (320, 213)

    def test_have_links_that_stay_for_a_day_and_end_after_the_next(self, client: Client) -> None:
        [photo] = OneMug.mug.photos
        with time_machine.travel("2026-11-27T09:00:00Z"):
            address = product_photos.link(photo)
        with time_machine.travel("2026-11-27T23:00:00Z"):
            assert product_photos.link(photo) == address

        for day, status in (("2026-11-28", 200), ("2026-11-29", 404)):
            with time_machine.travel(f"{day}T12:00:00Z"):
                assert client.get(address).status_code == status

    def test_are_fetched_for_signed_addresses_only(self, owner: Merchant, client: Client) -> None:
        forged = signing.Signer(salt="another").sign_object("https://cdn.shopify.com/x.png")

        assert client.get(f"/product-photos/{forged}").status_code == 404

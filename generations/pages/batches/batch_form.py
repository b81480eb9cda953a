"""What a merchant asks for on the page of a new batch; turned into orders, saved nowhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from generations import catalog
from generations.media import storage
from generations.models import BatchItem, Picture
from generations.pages.forms import ToolForm
from generations.runs import batches
from generations.runs.orders import Upload
from generations.runs.quote import RunRefused
from generations.runs.request import Order

# A picture of an earlier batch, by its item; other values are products.
KEPT = "kept"


class BatchForm(ToolForm):
    """Products, uploads and pictures of an earlier batch with one look, and how to begin."""

    three_first = forms.BooleanField(required=False)
    mail_when_done = forms.BooleanField(required=False)
    charge = forms.IntegerField(required=False, min_value=1)
    price_each = forms.IntegerField(required=False, min_value=0)

    def __init__(self, account_id: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(catalog.TOOLS[batches.TOOL], account_id, *args, **kwargs)

    def orders(self) -> list[Order]:
        """One order for each item, in the order of the page; RunRefused for too many of them."""
        listed = self.data.getlist("item") if hasattr(self.data, "getlist") else []
        chosen = [str(value)[:300] for value in listed]
        uploads = list(self._files("image"))
        given = len(chosen) + len(uploads)
        if not 0 < given <= batches.MAX_ITEMS:
            raise batches.wrong_size(given)
        options = self.options()
        orders = [self._order(options, **self._source(value)) for value in chosen]
        return orders + [self._order(options, uploads=(upload,)) for upload in uploads]

    def together(self) -> batches.Together:
        """How the items begin."""
        data = self.cleaned_data
        return batches.Together(data["three_first"], data["charge"], data["mail_when_done"])

    def charged(self, items: int) -> int:
        """How many of so many items are charged at once."""
        return self.together().charged(items)

    def _order(self, options: dict[str, object], **source: Any) -> Order:
        return Order(
            self.tool.slug,
            self.cleaned_data["resolution"],
            prompt=self.cleaned_data["prompt"],
            options=options,
            **source,
        )

    def _source(self, value: str) -> dict[str, Any]:
        kind, _space, item_id = value.partition(" ")
        if kind == KEPT:
            return {"uploads": (self._kept(item_id),)}
        return {"product_id": value, "photo_id": str(self.data.get(f"photo {value}", ""))[:300]}

    def _kept(self, item_id: str) -> Upload:
        items = BatchItem.objects.filter(batch__account_id=self.account_id)
        item = items.filter(pk=item_id).first() if item_id.isdecimal() else None
        picture = picture_of(item) if item else None
        if picture is None:
            message = _("This image is no longer here. Choose another.")
            raise RunRefused(message, "gone", "image")
        return storage.read_again(picture)


def picture_of(item: BatchItem) -> Picture | None:
    """What an item works on: kept with it until it is charged, then its run's; None when it is gone."""
    if item.file:
        return batches.kept_picture(item)
    inputs = Picture.objects.filter(generation=item.run, role=Picture.Role.INPUT)
    return inputs.order_by("position").first() if item.run_id else None

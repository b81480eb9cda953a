"""What a merchant asks a tool for on its page; turned into an order, saved nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from credits.refusals import Refusal
from generations.catalog import Tool
from generations.media import storage
from generations.models import Picture
from generations.options import Option
from generations.runs.orders import Source, Upload
from generations.runs.request import MAX_KEY, MAX_PROMPT, Order

# Chosen pictures are told apart by how their values begin.
RESULT, RUN = "result", "run"
OPTION = "option-"


class ToolForm(forms.Form):
    """One run of one tool: its pictures, its prompt, its options and the price that was shown."""

    key = forms.CharField(max_length=MAX_KEY)
    prompt = forms.CharField(required=False, max_length=MAX_PROMPT, strip=False)
    resolution = forms.CharField(required=False, max_length=2)
    seconds = forms.IntegerField(required=False)
    # What the page has said that package credits would pay; empty from a page without scripts.
    promised_package = forms.IntegerField(required=False, min_value=0)
    max_credits = forms.IntegerField(required=False, min_value=0)

    def __init__(self, tool: Tool, account_id: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tool = tool
        self.account_id = account_id

    def order(self) -> Order:
        """What was asked for; uploads win over pictures that were chosen before them.

        Raises a Refusal for an earlier picture that is gone.
        """
        data: dict[str, Any] = {
            "resolution": "", "seconds": None, "prompt": "", "max_credits": None, **self.cleaned_data
        }  # fmt: skip
        uploads: tuple[Upload, ...] = tuple(self._files("image"))
        products: tuple[Source, ...] = ()
        if not uploads:
            uploads, products = self._chosen()
        return Order(
            self.tool.slug,
            data["resolution"],
            data["seconds"],
            data["prompt"],
            uploads=uploads,
            products=products,
            options=self.options(),
            mask=next(self._files("mask"), None),
            mask_is_drawn=True,
            reference=next(self._files("reference"), None) or self._kept_reference(),
            max_credits=data["max_credits"],
        )

    def _files(self, name: str) -> Iterator[UploadedFile[bytes]]:
        for file in self.files.getlist(name) if hasattr(self.files, "getlist") else ():
            if file:
                yield file

    def _chosen(self) -> tuple[tuple[Upload, ...], tuple[Source, ...]]:
        """The pictures of earlier runs, else the products' photos; one kind at a time."""
        earlier: list[Upload] = []
        products: list[Source] = []
        for value in self.values():
            first, _space, second = value.partition(" ")
            if first in (RESULT, RUN):
                earlier += self._earlier(first, second)
            elif first:
                products.append(Source(first, second))
        if earlier and products:
            raise Refusal(
                _("Choose products or earlier images, not both at once."), "two_sources", "image"
            )
        return tuple(earlier), tuple(products)

    def values(self) -> list[str]:
        """The pictures that are chosen, in order: as the page's list says, where it has one."""
        if not hasattr(self.data, "getlist"):
            return []
        values = self.data.getlist("chosen") or self.data.getlist("photo")
        return list(dict.fromkeys(str(value)[:300] for value in values if value))

    def _kept_reference(self) -> Upload | None:
        """The reference picture of the run that is asked for again, if it is to stay."""
        again = self.data.get("reference_again", "")
        if not again or not self.tool.sources.reference:
            return None
        [kept, *_more] = self._earlier(RUN, str(again), Picture.Role.REFERENCE)
        return kept

    def _earlier(
        self, kind: str, name: str, role: Picture.Role = Picture.Role.INPUT
    ) -> list[Upload]:
        pictures = Picture.objects.filter(
            generation__account_id=self.account_id, kind=Picture.Kind.IMAGE
        )
        try:
            wanted = uuid.UUID(name)
        except ValueError:
            wanted = uuid.UUID(int=0)
        if kind == RESULT:
            found = pictures.filter(pk=wanted, role=Picture.Role.OUTPUT)
        else:
            found = pictures.filter(generation_id=wanted, role=role)
        uploads: list[Upload] = [storage.read_again(one) for one in found.order_by("position")]
        if not uploads:
            raise Refusal(_("This image is no longer here. Choose another."), "gone", "image")
        return uploads

    def options(self) -> dict[str, object]:
        """The options as the form sent them, in their own types where they can be read as such."""
        return {
            option.name: _typed(option, self.data.get(f"{OPTION}{option.name}"))
            for option in self.tool.options
            if option.kind == "boolean" or self.data.get(f"{OPTION}{option.name}") not in (None, "")
        }


def _typed(option: Option, value: object) -> object:
    """A form knows texts alone; what cannot be read stays a text and is refused by its option."""
    if option.kind == "boolean":
        return value == "on"
    text = str(value)
    try:
        if option.kind == "integer":
            return int(text)
        if option.kind == "number":
            return float(text)
    except ValueError:
        pass
    return text

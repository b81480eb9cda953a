"""What a merchant asks a tool for on its page; turned into an order, saved nowhere."""

from __future__ import annotations

import re
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
from generations.runs.orders import OWN, Source, Upload
from generations.runs.request import MAX_KEY, MAX_PROMPT, Order

# Chosen pictures are told apart by how their values begin.
RESULT, RUN, UPLOAD = "result", "run", "upload"
OPTION = "option-"
_PLACE = re.compile("[0-9]{1,4}")


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
        """What was asked for. Raises a Refusal for an earlier picture that is gone."""
        data: dict[str, Any] = {
            "resolution": "", "seconds": None, "prompt": "", "max_credits": None, **self.cleaned_data
        }  # fmt: skip
        uploads, products = self._pictures()
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

    def _pictures(self) -> tuple[tuple[Upload, ...], tuple[Source, ...]]:
        """Products' photos, earlier pictures and uploads, in the order of the page's list.

        `upload N` is the place of the N-th file; files without a place come last. A tool of one
        picture takes the upload: without scripts a photo that was chosen cannot be taken back.
        """
        files: dict[str, Upload] = {
            str(number): file for number, file in enumerate(self._files("image"))
        }
        uploads: list[Upload] = []
        places: list[Source] = []
        for value in self.values() if not files or self.tool.sources.max > 1 else ():
            kind, _space, name = value.partition(" ")
            if kind == UPLOAD:
                found: list[Upload] = [files.pop(name)] if name in files else []
            elif kind in (RESULT, RUN):
                found = self._earlier(kind, name)
            else:
                places.append(Source(kind, name))
                continue
            uploads += found
            places += [OWN] * len(found)
        uploads += files.values()
        is_mixed = any(place != OWN for place in places)
        return tuple(uploads), tuple(places) if is_mixed else ()

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
        text, _space, place = name.partition(" ")
        try:
            wanted = uuid.UUID(text)
        except ValueError:
            wanted = uuid.UUID(int=0)
        if kind == RESULT:
            found = pictures.filter(pk=wanted, role=Picture.Role.OUTPUT)
        else:
            found = pictures.filter(generation_id=wanted, role=role)
            # One of the run's pictures, or all of them.
            found = found.filter(position=int(place)) if _PLACE.fullmatch(place) else found
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

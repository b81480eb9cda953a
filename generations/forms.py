"""What a merchant may ask a tool for; checked here, saved nowhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from generations.catalog import Tool
from generations.runs.request import MAX_KEY, MAX_PROMPT, Order


class ToolForm(forms.Form):
    """One run of one tool: a product photo or an upload, and the tool's options."""

    key = forms.CharField(max_length=MAX_KEY)
    photo = forms.CharField(required=False, max_length=300)
    image = forms.FileField(required=False, allow_empty_file=True)
    prompt = forms.CharField(required=False, max_length=MAX_PROMPT)
    resolution = forms.CharField(required=False, max_length=2)
    seconds = forms.IntegerField(required=False)
    # What the page has said that package credits would pay; empty from a page without scripts.
    promised_package = forms.IntegerField(required=False, min_value=0)

    def __init__(self, tool: Tool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tool = tool

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.tool.max_images and not cleaned.get("photo") and not cleaned.get("image"):
            self.add_error("image", _("Choose a product photo or upload a picture."))
        return cleaned

    def order(self) -> Order:
        """What was asked for; an upload wins over a product chosen before it."""
        data = self.cleaned_data
        uploads = (data["image"],) if data["image"] else ()
        product_id, _space, photo_id = ("" if uploads else data["photo"]).partition(" ")
        return Order(
            self.tool.slug,
            data["resolution"],
            data["seconds"],
            data["prompt"],
            product_id,
            photo_id,
            uploads=uploads,
        )

"""What the product-truth check found, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _

TONES = {"green": "success", "amber": "warning", "unknown": "info", "waiting": "info"}


def read(truth: Mapping[str, Any]) -> dict[str, Any] | None:
    """Tone, title and sentences; None where no check is made."""
    state = truth.get("state")
    if state not in TONES:
        return None
    findings = truth.get("findings", ())
    shown = [one for one in findings if one["state"] == state] if state == "amber" else []
    return {
        "state": state,
        "tone": TONES[state],
        "title": _title(str(state)),
        "text": " ".join([_sentence(one) for one in shown]) or _checked(str(state), findings),
    }


def _title(state: str) -> str:
    if state == "green":
        return _("The product looks the same")
    if state == "amber":
        return _("The product may have changed")
    if state == "waiting":
        return _("Comparing the product with your photo")
    return _("We cannot judge whether the product is the same")


def _sentence(finding: Mapping[str, Any]) -> str:
    if finding["kind"] == "text" and finding["after"]:
        return _("Label text differs: '%(before)s' → '%(after)s'.") % finding
    if finding["kind"] == "text":
        return _("Label text is gone: '%(before)s'.") % finding
    if finding["kind"] == "colour":
        figure = {"figure": localize(finding["figure"])}
        return _("The product's colours differ (ΔE %(figure)s).") % figure
    return _("The product's shape or proportions differ.")


def _checked(state: str, findings: Any) -> str:
    if state == "waiting":
        return _("Free, and done in a few seconds.")
    if state == "unknown":
        return _("Compare the images yourself before you use the result.")
    names = {"colour": _("colour"), "shape": _("shape"), "text": _("label text")}
    kinds = ", ".join(names[one["kind"]] for one in findings if one["state"] == "green")
    return _("Compared with your photo: %(kinds)s.") % {"kinds": kinds}

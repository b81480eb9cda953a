"""Asks Google whether our credentials and models are good. Costs nothing: no model is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generations.engines.google.errors import GoogleFailure

if TYPE_CHECKING:
    from generations.engines.google.config import GoogleSettings


@dataclass(frozen=True)
class ModelAnswer:
    """What Google says of one model; `fault` is empty when key and model are good."""

    model: str
    used_for: str
    fault: str


def ask_about_models() -> list[ModelAnswer]:
    """Every model that the operator's settings lead to; none without credentials.

    The SDK takes a second to load, so it is imported where it is needed.
    """
    from generations.engines.google.client import check_model
    from generations.engines.google.engine import clients

    found = clients()
    answers = []
    for used_for, model, is_cloud in _models(found.settings):
        try:
            failure = check_model(found.cloud() if is_cloud else found.gemini(), model)
        except GoogleFailure as refused:
            failure = refused
        answers.append(ModelAnswer(model, used_for, _told(failure)))
    return answers


def _models(settings: GoogleSettings) -> list[tuple[str, str, bool]]:
    """What each model is for, its id, and whether Google Cloud is asked; as `clients` chooses."""
    if not (settings.has_key or settings.has_cloud):
        return []
    by_cloud = not settings.has_key
    models = [
        ("pictures", settings.image_model, by_cloud),
        ("texts", settings.text_model, by_cloud),
    ]
    if settings.has_cloud:
        return [*models, ("videos", settings.veo_model, True)]
    return [*models, ("videos", settings.omni_model, False)]


def _told(failure: GoogleFailure | None) -> str:
    return f"{failure} {failure.reason}: {failure.detail}" if failure else ""

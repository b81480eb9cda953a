"""The tone sets: English sentences around a product's facts that claim nothing themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tone:
    """`opening` names the product, `made_by` with its vendor; the others stand around its facts."""

    opening: str
    made_by: str
    points: str
    choices: str
    closing: str


TONES = {
    "plain": Tone("{title}.", "{title} from {vendor}.", "Details", "Choose from", ""),
    "warm": Tone(
        "Meet {title}.",
        "Meet {title}, from {vendor}.",
        "Good to know",
        "Find yours",
        "Picture it where you would like to have it.",
    ),
    "expert": Tone(
        "{title}: the facts at a glance.",
        "{title} by {vendor}: the facts at a glance.",
        "Specification",
        "Versions",
        "Compare these details with what you need.",
    ),
    "playful": Tone(
        "Say hello to {title}.",
        "Say hello to {title}, from {vendor}.",
        "The fun facts",
        "Pick yours",
        "Go on, take a closer look.",
    ),
    "luxury": Tone(
        "Introducing {title}.",
        "Introducing {title}, by {vendor}.",
        "In detail",
        "The selection",
        "Take your time to discover it.",
    ),
}

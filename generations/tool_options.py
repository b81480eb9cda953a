"""The options of every tool, and what each tool works on: declarations only.

An option that a tool declares is one that each of its engines heeds. `seed` stands where chance
plays a part on this machine: the same request with the same seed gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generations import languages
from generations.options import Choice, Option

# The largest seed that every generator of random numbers takes.
MAX_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Sources:
    """What a tool works on: so many pictures, a mask, a reference picture, a product's data."""

    min: int = 1
    max: int = 1
    mask: bool = False
    reference: bool = False
    product_data: bool = False
    mask_required: bool = False
    reference_required: bool = False


ONE_PICTURE = Sources()


def _choice(
    name: str, title: Promise, *choices: tuple[str, Promise], help_text: Promise | str = ""
) -> Option:
    """A choice whose first value is the default."""
    made = tuple(Choice(value, shown) for value, shown in choices)
    return Option(name, title, "choice", made[0].value, choices=made, help=help_text)


SEED = Option(
    "seed", _("Variation"), "integer", 0, minimum=0, maximum=MAX_SEED,
    help=_("Another number gives another result; the same one gives the same."),
)  # fmt: skip
RATIO = _choice(
    "ratio", _("Shape"),
    ("original", _("As the image")), ("1:1", _("Square, 1:1")), ("4:5", _("Portrait, 4:5")),
    ("3:4", _("Portrait, 3:4")), ("2:3", _("Portrait, 2:3")), ("9:16", _("Tall, 9:16")),
    ("4:3", _("Landscape, 4:3")), ("3:2", _("Landscape, 3:2")), ("16:9", _("Wide, 16:9")),
)  # fmt: skip
NEW_RATIO = _choice(
    "ratio", _("Shape"),
    ("1:1", _("Square, 1:1")), ("4:5", _("Portrait, 4:5")), ("3:4", _("Portrait, 3:4")),
    ("2:3", _("Portrait, 2:3")), ("9:16", _("Tall, 9:16")), ("4:3", _("Landscape, 4:3")),
    ("3:2", _("Landscape, 3:2")), ("16:9", _("Wide, 16:9")),
)  # fmt: skip
FRAME = _choice(
    "frame", _("Shape"),
    ("9:16", _("Tall, 9:16")), ("16:9", _("Wide, 16:9")), ("1:1", _("Square, 1:1")),
)  # fmt: skip
VEO_FRAME = _choice(
    "frame", _("Shape"), ("16:9", _("Wide, 16:9")), ("9:16", _("Tall, 9:16")),
)  # fmt: skip
SET = _choice(
    "set", _("Setting"),
    ("from-prompt", _("From the description")),
    ("studio-white", _("White studio")),
    ("studio-grey", _("Grey studio")),
    ("warm-sand", _("Warm sand paper")),
    ("oak-table", _("Oak table")),
    ("walnut-dark", _("Dark walnut")),
    ("white-marble", _("White marble")),
    ("black-marble", _("Black marble")),
    ("concrete", _("Concrete")),
    ("terrazzo", _("Terrazzo and rose wall")),
    ("linen", _("Linen")),
    ("window-light", _("Window light on a wall")),
    ("leaf-shadow", _("Shadow of leaves")),
    ("podium", _("Plinth in a pastel studio")),
    ("garden", _("Garden, out of focus")),
    ("festive", _("Golden lights")),
    ("city-evening", _("City in the evening")),
    ("kitchen", _("Kitchen counter")),
    ("brick", _("Painted brick")),
    ("shore", _("Beach")),
    ("neon", _("Coloured light in the dark")),
)  # fmt: skip
GARMENT = _choice(
    "garment", _("Garment"),
    ("auto", _("As the image shows")), ("top", _("Top")), ("bottom", _("Bottom")),
    ("dress", _("Dress")), ("outerwear", _("Outerwear")), ("accessory", _("Accessory")),
)  # fmt: skip
MODEL = _choice(
    "model", _("Model"),
    ("any", _("Any")), ("woman", _("Woman")), ("man", _("Man")),
)  # fmt: skip
MOVE = _choice(
    "move", _("Camera"),
    ("push-in", _("Moves closer")), ("pan", _("Moves along")), ("rise", _("Moves up")),
)  # fmt: skip

SHADOW = (
    _choice(
        "shadow", _("Shadow"),
        ("contact", _("Contact")), ("cast", _("Cast")), ("drop", _("Drop")),
        ("reflection", _("Reflection")),
    ),
    _choice(
        "ground", _("Ground"),
        ("white", _("White")), ("transparent", _("Transparent")), ("colour", _("Colour")),
        ("original", _("As the image")),
    ),
    Option("colour", _("Ground colour"), "colour", "#f2f2f2"),
    Option("angle", _("Shadow leans"), "integer", 35, minimum=-75, maximum=75,
           help=_("Degrees: below 0 to the left, 0 straight back, above 0 to the right.")),
    Option("strength", _("Strength"), "integer", 50, minimum=0, maximum=100,
           help=_("Per cent.")),
)  # fmt: skip
ENHANCE = (Option("light", _("Better light"), "boolean", default=True),)


def _of_product(
    name: str, title: Promise, longest: int, help_text: Promise | str = "", rows: int = 1
) -> Option:
    return Option(
        f"product_{name}", title, "text", "",
        longest=longest, help=help_text, rows=rows, of_product=True,
    )  # fmt: skip


# A product's data where no store tells it, or where the merchant knows better. What a store keeps in
# metafields is typed into the prompt, a fact on each line.
PRODUCT_DATA = (
    _of_product("title", _("Product name"), 255),
    _of_product("type", _("Product type"), 100, _("Such as Mugs.")),
    _of_product("vendor", _("Vendor or brand"), 100),
    _of_product(
        "options", _("Options"), 500, _("One on each line, such as Size: S, M, L."), rows=2
    ),
    _of_product("tags", _("Tags"), 500, _("Separate them by commas.")),
    _of_product(
        "description",
        _("Present description"),
        5_000,
        _("Text or HTML. You can compare the new text with it."),
        rows=4,
    ),
    _of_product(
        "alt_texts", _("Alternative texts of its images"), 1_000, _("One on each line."), rows=2
    ),
)
DESCRIPTION = (
    *PRODUCT_DATA,
    _choice(
        "template", _("Template"),
        ("standard", _("Standard")), ("bullets", _("Bullet points first")), ("story", _("Story")),
        ("technical", _("Technical")), ("seo", _("For search engines")),
    ),
    _choice(
        "tone", _("Tone"),
        ("plain", _("Plain")), ("warm", _("Warm")), ("expert", _("Expert")),
        ("playful", _("Playful")), ("luxury", _("Luxury")),
    ),
    _choice(
        "length", _("Length"),
        ("medium", _("Medium")), ("short", _("Short")), ("long", _("Long")),
    ),
    Option(
        "language", _("Language"), "choice", languages.ENGLISH,
        choices=(
            Choice(languages.ENGLISH, _("English")),
            *(Choice(code, name, engine="google") for code, name in languages.OTHERS),
        ),
    ),
    Option("keywords", _("Words to use"), "text", "", longest=200,
           help=_("Separate them by commas. Words that claim what is not in the data are left "
                  "out.")),
    Option("avoid", _("Words to avoid"), "text", "", longest=200,
           help=_("Separate them by commas. What has one of them is left out; the product keeps "
                  "its name.")),
)  # fmt: skip
PLACEMENT = (
    SET,
    _choice(
        "layout", _("Layout"),
        ("group", _("As a group")), ("row", _("In a row")), ("steps", _("In depth")),
    ),
    Option("sizes", _("Relative sizes"), "text", "", longest=100,
           help=_("One number for each product, such as 1, 0.5, 2. Empty: all alike.")),
    NEW_RATIO,
    SEED,
)  # fmt: skip
STYLE = (
    Option("strength", _("Strength"), "integer", 60, minimum=0, maximum=100, help=_("Per cent.")),
    RATIO,
    SEED,
)

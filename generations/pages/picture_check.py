"""A free check of a picture before any charge: size, blur, light, and whether the product is whole.

Nothing is stored or charged, and nothing is forbidden by it: the sentences are advice.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from generations import products
from generations.catalog import Tool
from generations.engines.local import inspecting
from generations.engines.local.pixels.faults import Faults
from generations.media import decoding
from generations.media.reading import UploadedImage, read_picture
from generations.pages.forms import ToolForm
from generations.runs.orders import Order, Upload

SMALL_SIDE = 600
# Where a product that the picture's edge cuts off would stand sawn off.
_NEED_A_WHOLE_PRODUCT = frozenset(
    {"ai-shadowing", "product-placement", "ai-backgrounds", "style-cloning", "product-try-on"}
)
# Sides of the squares that hold as many pixels as a class of results has.
_CLASSES = {"1K": 1024, "2K": 2048, "4K": 4096}
# What makes a picture larger, sharper and lighter is for pictures that are not.
_MENDS = "image-enhance"


@dataclass(frozen=True, slots=True)
class Advice:
    """What is to be said of a picture, and beside which resolution that it cannot fill."""

    sentences: list[str] = field(default_factory=list)
    sizes: dict[str, str] = field(default_factory=dict)


def advise(account_id: int, form: ToolForm) -> Advice:
    """What is to be said of the form's first picture; nothing when all is well.

    Raises a Refusal for a picture that cannot be used, where too many wait for their turn, and beyond
    so many a minute.
    """
    order = form.order()
    if not order.picture_count:
        return Advice()
    decoding.check_pace(account_id)
    upload = _first(account_id, order)
    image = upload if isinstance(upload, UploadedImage) else read_picture(upload, account_id)
    with contextlib.closing(image):
        with decoding.turns.take(account_id), image.lock:
            faults = inspecting.faults_of(image.preview)
        return Advice(_sentences(form.tool, image, faults), _sizes(form.tool, image))


def _first(account_id: int, order: Order) -> Upload:
    """The first of the order's pictures."""
    if order.uploads:
        return order.uploads[0]
    source = order.sources[0]
    _product, photo = products.read_photo(account_id, source.product_id, source.photo_id)
    return io.BytesIO(photo)


def _sentences(tool: Tool, image: UploadedImage, faults: Faults | None) -> list[str]:
    found = []
    if tool.slug != _MENDS and min(image.width, image.height) < SMALL_SIDE:
        found.append(
            _(
                "Small: %(width)d × %(height)d pixels. The result will show no more detail than "
                "that; Image Enhance can make it larger first."
            )
            % {"width": image.width, "height": image.height}
        )
    if faults is None:
        return found
    if tool.slug != _MENDS and faults.is_blurred:
        found.append(_("Blurred: edges in the result will be soft. A sharper photo does better."))
    if tool.slug != _MENDS and faults.is_dark:
        found.append(
            _("Very dark: the product may not stand out. Image Enhance can lighten it first.")
        )
    if tool.slug in _NEED_A_WHOLE_PRODUCT and faults.cut_off:
        found.append(
            _(
                "The product seems to be cut off by the image's edge and would look sawn off "
                "there. Choose a photo that shows all of it."
            )
        )
    return found


def _sizes(tool: Tool, image: UploadedImage) -> dict[str, str]:
    """A sentence by each resolution of which the picture fills no more than of a smaller one."""
    if tool.slug == _MENDS:
        return {}
    pixels = image.width * image.height
    enough = next((name for name, side in _CLASSES.items() if pixels <= side**2), "4K")
    larger = list(_CLASSES)[list(_CLASSES).index(enough) + 1 :]
    offered = {variant.resolution for variant in tool.variants}
    if enough not in offered:
        return {}
    return {
        name: _(
            "Your image has %(width)d × %(height)d pixels: %(name)s shows no more of it than %(enough)s."
        )
        % {"width": image.width, "height": image.height, "name": name, "enough": enough}
        for name in larger
        if name in offered
    }

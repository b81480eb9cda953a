"""The engine that needs no key: background removal on this machine's processor."""

from __future__ import annotations

import functools
import io
import logging
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from PIL import Image, PngImagePlugin

from generations.engines.base import (
    Job,
    Label,
    Output,
    PlatformError,
    Result,
    ShortWork,
)
from generations.engines.local import matting, weights

logger = logging.getLogger(__name__)

MODEL = "U2-Net-p"
# Level 6 would make a 12 megapixel cut-out 6 % smaller and take more than twice as long.
PNG_LEVEL = 4
# Pictures brighter than this on average are laid on dark ground.
_LIGHT = 160.0

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmp:CreatorTool="ecomVance {engine} engine, {model}"
    Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


class BackgroundRemoval(ShortWork):
    """Cuts the product out at full size with U2-Net-p and a guided filter.

    Deterministic. One picture of 12 megapixels takes about a second of one core besides decoding
    and PNG encoding, and less than 1 GB.
    """

    name = "local"

    def label(self, tool: str) -> Label:
        """The job is done on the merchant's own pixels."""
        return "real"

    def model(self, tool: str) -> str:
        """The net behind the matte."""
        return MODEL

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """Decoding, matting and encoding of some megapixels."""
        return 4.0

    def unavailable_reason(self, tool: str) -> str | None:
        """Tell the merchant that the tool is off, and the log which weights are missing."""
        path = weights.path_of(weights.U2NETP)
        if path.is_file():
            return None
        _log_missing(path)
        return _("Background removal is switched off for now. Our staff can switch it on.")

    def run(self, job: Job) -> Result:
        """A PNG with real transparency, as large as the input, whose own transparency is kept.

        Raises PlatformError when the weights are gone, the stored picture cannot be decoded or
        no product stands out; EngineTimeoutError past the deadline.
        """
        reason = self.unavailable_reason(job.tool)
        if reason:
            raise PlatformError(reason)
        colours, transparency = self._decode(job)
        job.check_deadline()
        cut_out = self._cut_out(colours, transparency)
        job.check_deadline()
        height, width = cut_out.shape[:2]
        output = Output("image", self._encode(cut_out), "image/png", width, height)
        return Result((output,), engine=self.name, model=MODEL, label="real")

    def _decode(self, job: Job) -> tuple[matting.Photo, matting.Photo | None]:
        """The picture's colours and, where it has any, its transparency."""
        if len(job.inputs) != 1:
            raise PlatformError(gettext_noop("Background removal works on exactly one picture."))
        try:
            with Image.open(io.BytesIO(job.inputs[0].content)) as image:
                if not image.has_transparency_data:
                    return np.asarray(image.convert("RGB")), None
                pixels = np.asarray(image.convert("RGBA"))
        except (OSError, ValueError) as error:
            raise PlatformError(gettext_noop("The stored picture could not be read.")) from error
        return pixels[..., :3], pixels[..., 3]

    def _cut_out(self, colours: matting.Photo, transparency: matting.Photo | None) -> matting.Photo:
        path = weights.path_of(weights.U2NETP)
        try:
            if transparency is None:
                return matting.cut_out(colours, path)
            cut_out = matting.cut_out(_on_plain_ground(colours, transparency), path)
        except matting.NothingFoundError as error:
            raise PlatformError(
                gettext_noop(
                    "Our engine found no product here. Choose a picture in which one stands out."
                )
            ) from error
        product = cut_out[..., 3].astype(np.uint16) * transparency
        cut_out[..., 3] = (product + 127) // 255
        # Where the picture already was transparent no ground had mixed into its colours.
        see_through = (transparency < 255)[..., None]
        cut_out[..., :3] = np.where(see_through, colours, cut_out[..., :3])
        cut_out[cut_out[..., 3] == 0] = 0
        return cut_out

    def _encode(self, cut_out: matting.Photo) -> bytes:
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", f"ecomVance {self.name} engine, {MODEL}")
        text.add_itxt("XML:com.adobe.xmp", _XMP.format(engine=self.name, model=MODEL))
        stream = io.BytesIO()
        Image.fromarray(cut_out, "RGBA").save(stream, "PNG", pnginfo=text, compress_level=PNG_LEVEL)
        return stream.getvalue()


@functools.cache
def _log_missing(path: Path) -> None:
    # Pages ask about every tool; the log needs to hear it once per process.
    logger.warning("There are no weights at %s: run `manage.py fetch_weights`", path)


def _on_plain_ground(colours: matting.Photo, transparency: matting.Photo) -> matting.Photo:
    """The picture on white, or on dark grey where it is itself so light that white would hide it."""
    share = transparency.astype(np.float32)[..., None] / 255.0
    brightness = float((colours * share).sum() / max(1.0, 3.0 * float(share.sum())))
    ground = 40.0 if brightness > _LIGHT else 255.0
    return np.asarray(np.rint(colours * share + ground * (1.0 - share)), dtype=np.uint8)

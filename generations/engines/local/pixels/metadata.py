"""What a picture or film says about its own making: XMP with IPTC's DigitalSourceType.

Written into PNG, JPEG, WebP and MP4. A sandbox render says in plain words that it is a placeholder.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from PIL import Image, PngImagePlugin

from generations.engines.local.pixels.arrays import Photo

Format = Literal["PNG", "JPEG", "WEBP"]
# IPTC's terms: a photo that an algorithm improved, a photo joined with drawn parts, a picture
# drawn by a program that was not trained, one by a trained model, a photo joined with such parts.
Source = Literal[
    "algorithmicallyEnhanced",
    "compositeSynthetic",
    "algorithmicMedia",
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
]

SANDBOX_TEXT = "Sandbox placeholder. No AI model made this; not for publication."
PNG_LEVEL = 4  # Level 6 takes more than twice as long for 6 % less.
_JPEG_QUALITY, _WEBP_QUALITY = 92, 90
# Adobe's id of the box that holds XMP in an MP4 file.
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:ecomvance="urn:ecomvance:xmp:1.0"
    xmp:CreatorTool={tool}
    Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{source}"{mark}>{text}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True)
class Origin:
    """Who made it (such as "ecomVance local engine, U2-Net-p"), how, and whether it is sandbox."""

    tool: str
    source: Source
    sandbox: bool = False


def packet(origin: Origin) -> bytes:
    """The XMP packet as UTF-8."""
    text = mark = ""
    if origin.sandbox:
        mark = '\n    ecomvance:Sandbox="true"'
        text = (
            '\n   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">'
            f"{escape(SANDBOX_TEXT)}</rdf:li></rdf:Alt></dc:description>"
        )
    filled = _PACKET.format(tool=quoteattr(origin.tool), source=origin.source, mark=mark, text=text)
    return filled.encode()


def encoded(picture: Photo, kind: Format, origin: Origin) -> bytes:
    """The picture as a file with its origin in it. JPEG takes RGB only."""
    if kind == "JPEG" and picture.shape[2] == 4:
        raise ValueError("JPEG has no transparency: lay the picture on a ground first.")
    image, stream = Image.fromarray(picture), io.BytesIO()
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", origin.tool)
        if origin.sandbox:
            text.add_text("Description", SANDBOX_TEXT)
        text.add_itxt("XML:com.adobe.xmp", packet(origin).decode())
        image.save(stream, "PNG", pnginfo=text, compress_level=PNG_LEVEL)
    elif kind == "JPEG":
        image.save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0, xmp=packet(origin))
    else:
        image.save(stream, "WEBP", quality=_WEBP_QUALITY, method=4, xmp=packet(origin))
    return stream.getvalue()


def film_with_origin(film: bytes, origin: Origin) -> bytes:
    """The MP4 file with the XMP packet in a box of its own at its end; the rest is unchanged."""
    body = b"uuid" + _XMP_BOX + packet(origin)
    return film + (len(body) + 4).to_bytes(4, "big") + body


def said_source(content: bytes) -> str | None:
    """The DigitalSourceType that a file of ours carries, None when there is none."""
    found = re.search(rb'digitalsourcetype/(\w+)"', content)
    return found.group(1).decode() if found else None


def says_sandbox(content: bytes) -> bool:
    """Whether a file of ours is marked as a sandbox render."""
    return b'ecomvance:Sandbox="true"' in content

"""Merchants' pictures: what may come in, and the clean copy that is all the rest ever sees.

Files come from strangers. Their content is sniffed and not believed, and a process of its own
decodes it (see `decoding`); its size is known before a pixel is decoded. What is kept is encoded
anew, so that no metadata, no second file behind the first and no odd colour mode travels on. Neither
the file nor the copy ever lies in this process's memory: both stay on disk.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from PIL import Image

from credits.refusals import Refusal
from ecomvance_app import connections
from generations.media import decoding
from generations.media.decoder import previews
from generations.media.decoder.answers import Answer, Question

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 50_000_000
MIN_SIDE = 256
PREVIEW_SIDE = 1024

# A lossless picture up to this size stays lossless. Above it a PNG costs seconds and tens of
# megabytes for a difference from JPEG at quality 95 that nobody sees.
MAX_LOSSLESS_PIXELS = 4_000_000

_CHUNK = 256 * 1024
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_OTHER_TYPES = (
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"8BPS", "Photoshop"),
    (b"PK\x03\x04", "ZIP"),
)


class PictureRefused(Refusal):
    """The picture cannot be taken; the text says which limit was broken and what was found.

    `code` is one of `empty too_large not_a_picture damaged animated too_small too_many_pixels`.
    """

    field = "image"

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence, code, status=413 if code == "too_large" else 422)


@dataclass(frozen=True)
class UploadedImage:
    """An upload's clean copy: upright, in sRGB, without metadata. `format` is JPEG or PNG.

    `file` and `preview` (a WebP) are open files without a name, which vanish with this object at the latest.
    `source_format` is what the merchant's file really was, `lightest` its lightest grey (0 to 255).
    """

    file: IO[bytes] = field(compare=False)
    preview: IO[bytes] = field(compare=False)
    sha256: str
    width: int
    height: int
    format: str
    source_format: str
    has_alpha: bool
    lightest: int
    # The merchant's own file name, for downloads alone.
    name: str = field(default="", compare=False)
    # Whoever reads the files holds it: threads share their position.
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    @property
    def media_type(self) -> str:
        return f"image/{self.format.lower()}"

    @property
    def size(self) -> int:
        """Bytes of the copy."""
        return os.fstat(self.file.fileno()).st_size

    @property
    def content(self) -> bytes:
        """The copy's bytes, all of them in memory."""
        with self.lock:
            self.file.seek(0)
            return self.file.read()

    def close(self) -> None:
        """Let the files go."""
        self.file.close()
        self.preview.close()

    def __del__(self) -> None:
        self.close()


def read_picture(
    source: bytes | IO[bytes], account_id: int = 0, still: Callable[[], None] | None = None
) -> UploadedImage:
    """Check an upload and make its clean copy, when it is the account's turn.

    Takes JPEG, PNG, WebP, AVIF and HEIC of at most 25 MB and 50 megapixels whose shorter side is
    at least 256 pixels. EXIF and GPS are gone from the copy, its orientation is applied, colours
    are sRGB, transparency is kept. Raises PictureRefused for everything else, and decoding.Busy; a
    file that is too large is not read to its end, a picture with too many pixels is not decoded.

    `still` is asked again after a wait, and raises where there is no use in decoding any more. No
    database connection is held meanwhile.
    """
    copy, preview = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
    try:
        with _on_disk(source) as upload:
            source_format = _sniff(upload)
            question = _question(source_format, MIN_SIDE, PREVIEW_SIDE, preview)
            question["copy"] = copy.fileno()
            with decoding.turns.take(account_id) as waited:
                if waited and still is not None:
                    still()
                    connections.release()
                answer = _decode(upload, question)
    except BaseException:
        copy.close()
        preview.close()
        raise
    return UploadedImage(
        file=copy,
        preview=preview,
        sha256=answer["sha256"],
        width=answer["width"],
        height=answer["height"],
        format=answer["media_format"],
        source_format=source_format,
        has_alpha=answer["has_alpha"],
        lightest=answer["lightest"],
    )


def make_preview(source: bytes | IO[bytes], side: int) -> bytes:
    """A WebP of at most `side` pixels a side of a stranger's picture, however small that is.

    Raises as `read_picture` does.
    """
    with _on_disk(source) as upload, tempfile.TemporaryFile() as preview:
        question = _question(_sniff(upload), 1, side, preview)
        with decoding.preview_turns.take(0):
            _decode(upload, question)
        preview.seek(0)
        return preview.read()


def make_own_preview(content: bytes, side: int) -> bytes:
    """The same of a picture that an engine of this machine has just encoded.

    That is no stranger's: it needs no process of its own, whose start takes longer than many runs.
    """
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as image:
        mode = "RGBA" if image.has_transparency_data else "RGB"
        return bytes(previews.make_preview(image.convert(mode), side))


def _question(source_format: str, min_side: int, side: int, preview: IO[bytes]) -> Question:
    return {
        "format": source_format,
        "max_pixels": MAX_PIXELS,
        "min_side": min_side,
        "max_lossless_pixels": MAX_LOSSLESS_PIXELS,
        "preview_side": side,
        "copy": None,
        "preview": preview.fileno(),
    }


def _decode(upload: IO[bytes], question: Question) -> Answer:
    try:
        answer = decoding.ask(upload, question)
    except decoding.UndecodableError as error:
        raise _refusal({"refused": "damaged"}, question["format"]) from error
    if "refused" in answer:
        raise _refusal(answer, question["format"])
    return answer


@contextlib.contextmanager
def _on_disk(source: bytes | IO[bytes]) -> Iterator[IO[bytes]]:
    """The upload as a real file of 1 byte to MAX_BYTES; PictureRefused otherwise."""
    told = len(source) if isinstance(source, bytes) else getattr(source, "size", None)
    if isinstance(told, int) and told > MAX_BYTES:
        message = _("This file has %(found).1f MB. At most %(limit)d MB are possible.")
        raise _too_large(message, told)
    with contextlib.ExitStack() as ours:
        file = None if isinstance(source, bytes) else _real_file(source)
        if file is None:
            file = ours.enter_context(tempfile.TemporaryFile())
            _copy(io.BytesIO(source) if isinstance(source, bytes) else source, file)
            file.flush()
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise PictureRefused(_("This file is empty."), "empty")
        if size > MAX_BYTES:
            message = _("This file has more than %(limit)d MB, which is the most possible.")
            raise _too_large(message, 0)
        yield file


def _real_file(source: IO[bytes]) -> IO[bytes] | None:
    """The file that the upload is already, where it is one."""
    with contextlib.suppress(OSError, AttributeError):
        if stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            source.flush()
            return source
    return None


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy MAX_BYTES and one more byte at most."""
    left = MAX_BYTES + 1
    while left and (chunk := source.read(min(_CHUNK, left))):
        target.write(chunk)
        left -= len(chunk)


def _too_large(message: str, found: int) -> PictureRefused:
    amounts = {"found": found / 1024**2, "limit": MAX_BYTES >> 20}
    return PictureRefused(message % amounts, "too_large")


def _sniff(upload: IO[bytes]) -> str:
    """The format that the first bytes show, whatever the file is called."""
    content = os.pread(upload.fileno(), 1024, 0)
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        # Both formats share a container and the brands mif1 and msf1; AVIF names itself somewhere.
        length = int.from_bytes(content[:4], "big")
        brands = {content[i : i + 4] for i in (8, *range(16, min(length, 256), 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIC_BRANDS:
            return "HEIC"
    raise PictureRefused(
        _("This is %(found)s, not an image that can be used: upload JPEG, PNG, WebP, AVIF or HEIC.")
        % {"found": _told_type(content)},
        "not_a_picture",
    )


def _told_type(content: bytes) -> str:
    """What a refused file is, in words."""
    for magic, name in _OTHER_TYPES:
        if content.startswith(magic):
            return _("a %(type)s file") % {"type": name}
    beginning = content[:1024]
    try:
        text = beginning.decode("utf-8-sig", errors="strict" if len(content) < 1024 else "ignore")
    except UnicodeDecodeError:
        return _("a file of unknown type")
    if "\0" in text:
        return _("a file of unknown type")
    markup = text.lstrip().lower()
    if "<svg" in markup:
        return _("an SVG drawing")
    if markup.startswith(("<!doctype html", "<html", "<head", "<body", "<script")):
        return _("a web page")
    return _("a text file")


def _refusal(answer: Answer, source_format: str) -> PictureRefused:
    """What the decoding process found wrong, as a sentence."""
    code = answer["refused"]
    found: dict[str, object] = {"format": source_format, "limit": MIN_SIDE}
    if code == "too_many_pixels":
        sentence = _(
            "This image has %(width)d by %(height)d pixels, which is %(found)d megapixels. "
            "At most %(limit)d megapixels are possible."
        )
        megapixels = -(-answer["width"] * answer["height"] // 1_000_000)
        found = {"found": megapixels, "limit": MAX_PIXELS // 1_000_000}
    elif code == "too_small":
        sentence = _(
            "This image has %(width)d by %(height)d pixels. Its shorter side must have at "
            "least %(limit)d."
        )
    elif code == "animated":
        sentence = ngettext(
            "This image is animated, with %(frames)d frame. Upload a still image.",
            "This image is animated, with %(frames)d frames. Upload a still image.",
            answer["frames"],
        )
    else:
        sentence = _(
            "This %(format)s file is damaged or incomplete. Export it again, then upload the new file."
        )
    return PictureRefused(sentence % {**answer, **found}, code)

"""What a merchant asks for, and what makes two such orders the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from generations import catalog
from generations.media.reading import UploadedImage, read_picture
from generations.options import Value, clean

MAX_KEY = 150
# Orders are compared by digests, of which older runs carry older forms without a prefix.
_FORM = "3:"
_CHUNK = 256 * 1024

# A file as it came in, or one that was read before.
Upload = IO[bytes] | UploadedImage


@dataclass(frozen=True, slots=True)
class Source:
    """A product of the store, with the photo that is meant; its first one if none is named.

    Without a product it is the place of an upload among products, as `OWN`.
    """

    product_id: str
    photo_id: str = ""


OWN = Source("")


@dataclass(frozen=True)
class Order:
    """What a merchant asks for: a tool, its options and its pictures.

    Pictures are uploads, or photos of products: of `product_id`, or of each of `products`. Where both
    go in together, `products` names the places of the uploads by `OWN`; those without one come last.
    A mask that `is_drawn` was painted on a smaller copy of the picture and is enlarged to it. A price
    above `max_credits` is refused.
    """

    tool: str
    resolution: str = ""
    seconds: int | None = None
    prompt: str = ""
    product_id: str = ""
    photo_id: str = ""
    product_title: str = ""
    uploads: tuple[Upload, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    products: tuple[Source, ...] = ()
    mask: Upload | None = None
    mask_is_drawn: bool = False
    reference: Upload | None = None
    max_credits: int | None = None

    @property
    def places(self) -> tuple[Source, ...]:
        """Where each picture comes from, in order: a product, or `OWN`. Nothing for uploads alone."""
        if self.products:
            unplaced = len(self.uploads) - self.products.count(OWN)
            return self.products + (OWN,) * unplaced
        if self.product_id and not self.uploads:
            return (Source(self.product_id, self.photo_id),)
        return ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The products that are named, in order."""
        return tuple(place for place in self.places if place != OWN)

    @property
    def inputs(self) -> list[Upload | Source]:
        """What the run will work on, in order."""
        uploads = iter(self.uploads)
        placed = [next(uploads) if place == OWN else place for place in self.places]
        return placed or list(uploads)

    @property
    def picture_count(self) -> int:
        """How many pictures the run will work on."""
        return len(self.places) or len(self.uploads)

    @property
    def text(self) -> str:
        """The prompt with its lines ended as everywhere else."""
        return self.prompt.replace("\r\n", "\n").replace("\r", "\n")

    @property
    def chosen(self) -> dict[str, Value]:
        """Every option of the tool with its value; OptionRefused for what the tool does not take."""
        tool = catalog.TOOLS.get(self.tool)
        return clean(tool.options if tool else (), self.options)

    @property
    def digest(self) -> str:
        """What makes two orders the same under one idempotency key.

        Uploads count by their bytes, so a repetition is known before anything is decoded. A product's
        photo counts by its name: a repetition finds its run also when the store has changed the
        photo meanwhile, or does not answer. An option counts where it is not the default, so that
        a new option changes no digest.
        """
        tool = catalog.TOOLS.get(self.tool)
        defaults = {option.name: option.default for option in (tool.options if tool else ())}
        chosen = {name: value for name, value in self.chosen.items() if value != defaults[name]}
        named = [[place.product_id, place.photo_id] for place in self.places]
        files = [_sha256(upload) for upload in self.uploads]
        others = [_sha256(one) if one else "" for one in (self.mask, self.reference)]
        asked: list[object] = [self.tool, self.resolution, self.seconds, self.text]
        asked += [chosen, named, files, others]
        return _FORM + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def has_made(self, digest: str) -> bool:
        """Whether this order has the digest that a run keeps, in whichever form it was written."""
        if digest.startswith(_FORM):
            return digest == self.digest
        if self.products or self.options or self.mask or self.reference:
            return False  # Those came with the present form.
        return digest in self._older_digests()

    def _older_digests(self) -> Iterator[str]:
        """The forms without a prefix: uploads by their bytes, before that by their clean copies.

        Only the oldest needs decoding; it raises PictureRefused for what cannot be decoded.
        """
        asked = [self.tool, self.resolution, self.seconds, self.prompt]
        asked += [self.product_id, self.photo_id]
        for files in (self.uploads, self._clean_copies()):
            told = [*asked, [_sha256(upload) for upload in files]]
            yield hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def _clean_copies(self) -> Iterator[UploadedImage]:
        for upload in self.uploads:
            yield upload if isinstance(upload, UploadedImage) else read_picture(upload)


@dataclass(frozen=True)
class Requester:
    """Who asks, and through which surface."""

    account_id: int
    person_id: int | None
    surface: str
    # Whether an owner presses the button: the spending limit is for others and for programs.
    is_owner: bool = False

    @property
    def actor(self) -> str:
        """The opaque id that the ledger keeps."""
        return f"user:{self.person_id}" if self.person_id else "system"


def _sha256(upload: Upload) -> str:
    if isinstance(upload, UploadedImage):
        return upload.sha256
    upload.seek(0)
    digest = hashlib.sha256()
    while chunk := upload.read(_CHUNK):
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()

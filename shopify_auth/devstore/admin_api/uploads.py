"""Staged uploads and the pictures that become product media."""

from __future__ import annotations

import mimetypes
import secrets
import time
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from shopify_auth.devstore.state import Media, ProductChanges, Shop, StagedUpload, State

PROCESSING_SECONDS = 2
LONGEST_ALT = 512
SIZED_RESOURCES = {"VIDEO", "MODEL_3D"}


def stage(shop: Shop, wanted: list[dict[str, Any]], base_url: str) -> dict[str, Any]:
    """Hand out one address per file; videos need their exact size beforehand."""
    targets = []
    for position, file in enumerate(wanted):
        if file["resource"] in SIZED_RESOURCES and file.get("fileSize") is None:
            message = "file size is required for video and 3D model resources"
            field = ["input", str(position), "fileSize"]
            return {"stagedTargets": None, "userErrors": [{"field": field, "message": message}]}
        suffix = mimetypes.guess_extension(file["mimeType"]) or ""
        upload = StagedUpload(
            name=secrets.token_hex(12) + suffix,
            file_name=file["filename"],
            mime_type=file["mimeType"],
            size=file.get("fileSize"),
        )
        shop.uploads.append(upload)
        url = f"{base_url}/uploads/{shop.handle}/{upload.name}"
        parameters = [{"name": "content_type", "value": upload.mime_type}]
        if file["httpMethod"] == "POST":
            parameters.append({"name": "key", "value": upload.name})
        targets.append({"url": url, "resourceUrl": url, "parameters": parameters})
    return {"stagedTargets": targets, "userErrors": []}


def receive(shop: Shop, folder: Path, name: str, content: bytes) -> bool:
    """Keep the file for the staged address `name`; False when it was not handed out or misfits."""
    upload = next((one for one in shop.uploads if one.name == name), None)
    if upload is None or (upload.size is not None and upload.size != len(content)):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    (folder / upload.name).write_bytes(content)
    upload.received = True
    return True


def add_media(
    state: State, shop: Shop, product_gid: str, wanted: list[dict[str, Any]], folder: Path
) -> list[dict[str, Any]]:
    """Append media to the product; the errors that Shopify would report as userErrors."""
    for position, file in enumerate(wanted):
        if len(file.get("alt") or "") > LONGEST_ALT:
            return [{"field": ["media", str(position), "alt"], "message": "Alt is too long"}]
    changes = shop.products.setdefault(product_gid, ProductChanges())
    for file in wanted:
        changes.added_media.append(_media(state, shop, file, folder))
    return []


def _media(state: State, shop: Shop, wanted: dict[str, Any], folder: Path) -> Media:
    name = str(wanted["originalSource"]).rpartition("/")[2]
    upload = next((one for one in shop.uploads if one.name == name and one.received), None)
    content_type = wanted["mediaContentType"]
    kind = "Video" if content_type == "VIDEO" else "MediaImage"
    media = Media(
        gid=f"gid://shopify/{kind}/{state.take_number()}",
        content_type=content_type,
        alt=wanted.get("alt") or "",
        file_name=name,
        mime_type=upload.mime_type if upload else "",
        ready_at=time.time() + PROCESSING_SECONDS,
    )
    if upload is None:
        media.error = "INVALID_SIGNED_URL"
    elif content_type == "IMAGE":
        try:
            with Image.open(folder / name) as picture:
                media.width, media.height = picture.size
        except UnidentifiedImageError:
            media.error = "UNSUPPORTED_IMAGE_FILE_TYPE"
    return media

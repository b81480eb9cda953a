"""Video in steps that can be a day apart: create once, poll, fetch, delete; cancel where possible.

`create` is never repeated by this module. When it fails with `maybe_accepted` the job may exist at
Google and be billed: the run ends and staff see it. What `create` returns is stored before anything
else, and it is all that the other steps need.
"""

from __future__ import annotations

from typing import BinaryIO

from generations.engines.google.client import Clients
from generations.engines.google.errors import GoogleFailure
from generations.engines.google.videos.jobs import (
    BoundedSink,
    Fetched,
    Handle,
    Pending,
    Ready,
    VideoMaker,
    VideoRequest,
)
from generations.engines.google.videos.mp4 import check_clip
from generations.engines.google.videos.omni import Omni
from generations.engines.google.videos.veo import Veo


def maker_of(clients: Clients, handle: Handle | None = None) -> VideoMaker:
    """The maker of a job; for a new one Veo where Google Cloud is set, else Omni."""
    wanted = handle.maker if handle else ("veo" if clients.settings.has_cloud else "omni")
    return Veo(clients) if wanted == "veo" else Omni(clients)


def create(clients: Clients, request: VideoRequest) -> Handle:
    """Hand the job over to whoever makes videos with these settings."""
    request.check()
    return maker_of(clients).create(request)


def poll(clients: Clients, handle: Handle) -> Pending | Ready:
    """Ask once. A poll that could not be answered is Pending: the job may go on without us.

    A GoogleFailure means that the job is over, or that we may not ask any more; what Google stores
    of it, the merchant's picture too, is deleted if that can be done.
    """
    try:
        return maker_of(clients, handle).poll(handle)
    except GoogleFailure:
        discard(clients, handle)
        raise


def fetch(clients: Clients, handle: Handle, ready: Ready, file: BinaryIO) -> Fetched:
    """Download, check and then delete at Google; GoogleFailure when it is no video.

    `file` is seekable and empty. After a failed download nothing is deleted, so that it can be
    tried again; after a failed check it is: a second download would be the same.
    """
    maker = maker_of(clients, handle)
    maker.download(ready, BoundedSink(file, clients.settings.max_video_bytes))
    try:
        clip = check_clip(file, handle.seconds)
    except GoogleFailure:
        discard(clients, handle, ready)
        raise
    return Fetched(clip, discard(clients, handle, ready))


def discard(clients: Clients, handle: Handle, ready: Ready | None = None) -> bool:
    """Delete the job and its file at Google; False when that failed and has to be tried again."""
    try:
        return maker_of(clients, handle).delete(handle, ready)
    except GoogleFailure:
        return False


def cancel(clients: Clients, handle: Handle) -> bool:
    """Best effort: whether Google agreed to stop. Whoever asks discards the job afterwards."""
    try:
        return maker_of(clients, handle).cancel(handle)
    except GoogleFailure:
        return False

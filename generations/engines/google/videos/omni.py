"""Video by Gemini Omni over the Interactions API, with an API key."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from google.genai import types

from generations.engines.google import raster
from generations.engines.google.answers import word
from generations.engines.google.client import Clients, request_options, time_for
from generations.engines.google.errors import GoogleFailure, unusable
from generations.engines.google.mapping import from_rpc, from_word, google_failures
from generations.engines.google.videos.jobs import (
    BoundedSink,
    Handle,
    Pending,
    Ready,
    VideoRequest,
    lost,
    pending_after,
)

_RUNNING: Final = frozenset({"in_progress", "queued", "requires_continuation"})


class Omni:
    """Creates in the background and polls; deletes the interaction, which Google stores."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._settings = clients.settings

    def create(self, request: VideoRequest) -> Handle:
        """`POST /interactions`, once."""
        model = self._settings.omni_model
        body = _body(request, self._settings.video_resolution)
        seconds = time_for(self._settings.create_seconds, request.seconds_left)
        client = self._clients.gemini()
        with google_failures():
            interaction = client.interactions.create(
                model=model, background=True, store=True, timeout=seconds, **body
            )
        ref = getattr(interaction, "id", None)
        if not ref:
            raise GoogleFailure(
                "provider_error", "unreadable", detail="No id.", maybe_accepted=True
            )
        return Handle("omni", str(ref), model, request.seconds)

    def poll(self, handle: Handle) -> Pending | Ready:
        """`GET /interactions/{id}`."""
        try:
            with google_failures():
                interaction = self._clients.gemini().interactions.get(
                    handle.ref, timeout=self._settings.poll_seconds
                )
        except GoogleFailure as failure:
            return pending_after(failure, self._settings.poll_again)
        if word(interaction.status) in _RUNNING:
            return Pending(self._settings.poll_every)
        return _ready(interaction)

    def download(self, ready: Ready, sink: BoundedSink) -> None:
        """Write what came along, or fetch the file."""
        if ready.content:
            sink.write(ready.content)
            return
        options = request_options(self._settings.download_seconds)
        config = types.DownloadFileConfig(http_options=options)
        client = self._clients.gemini()
        try:
            with google_failures():
                client.files.download(file=ready.uri, destination=sink, config=config)
        except GoogleFailure as failure:
            raise lost(failure) from failure

    def delete(self, handle: Handle, ready: Ready | None) -> bool:
        """The file and the interaction; what is gone already counts as deleted."""
        client = self._clients.gemini()
        done = True
        if ready and ready.uri:
            done = _is_gone(lambda: client.files.delete(name=_file_name(ready.uri)))
        return _is_gone(lambda: client.interactions.delete(handle.ref)) and done

    def cancel(self, handle: Handle) -> bool:
        """`POST /interactions/{id}/cancel`."""
        with google_failures():
            cancelled = self._clients.gemini().interactions.cancel(handle.ref)
        return word(cancelled.status) == "cancelled"


def _body(request: VideoRequest, resolution: str) -> dict[str, Any]:
    text = request.prompt.joined
    content: list[dict[str, str]] = []
    if request.first_frame is not None:
        frame = raster.as_reference(raster.open_rgb(request.first_frame))
        data = base64.b64encode(frame.content).decode()
        content.append({"type": "image", "mime_type": frame.media_type, "data": data})
        text = f"<FIRST_FRAME> {text}"
    content.append({"type": "text", "text": text})
    return {
        "input": content,
        "generation_config": {"video_config": {"task": request.task}},
        "response_format": {
            "type": "video",
            "aspect_ratio": request.aspect,
            "resolution": resolution,
            "duration": f"{request.seconds}s",
            "delivery": "uri",
        },
    }


def _ready(interaction: Any) -> Ready:
    """The finished interaction's video; completed without a video is a failure."""
    status = word(interaction.status)
    for error in interaction.errors or []:
        raise from_word(str(error.code or ""), str(error.message or ""))
    for step in interaction.steps or []:
        error = getattr(step, "error", None)
        if error is not None:
            raise from_rpc(int(error.code or 13), str(error.message or ""))
    if status != "completed":
        raise _failure_of_status(status)
    video = interaction.output_video
    if video is None or not (video.uri or video.data):
        raise GoogleFailure("provider_error", "nothing_made", detail="Completed without a video.")
    usage = (
        interaction.usage.model_dump(mode="json", exclude_none=True) if interaction.usage else {}
    )
    return Ready(str(video.uri or ""), _decoded(video.data), usage)


def _decoded(data: Any) -> bytes:
    if not data:
        return b""
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise unusable("bad_video", str(error)) from error


def _failure_of_status(status: str) -> GoogleFailure:
    if status == "budget_exceeded":
        return GoogleFailure("platform_error", "quota", reason=status)
    if status == "cancelled":
        return GoogleFailure("provider_error", "cancelled", reason=status)
    return GoogleFailure("provider_error", "job_failed", reason=status)


def _file_name(uri: str) -> str:
    return "files/" + uri.partition("files/")[2].partition(":")[0]


def _is_gone(delete: Any) -> bool:
    try:
        with google_failures():
            delete()
    except GoogleFailure as failure:
        return failure.code == "model_gone"
    return True

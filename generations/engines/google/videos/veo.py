"""Video by Veo on Google Cloud, by long-running operations."""

from __future__ import annotations

from google.genai import types

from generations.engines.google import raster
from generations.engines.google.client import Clients, request_options
from generations.engines.google.errors import GoogleFailure
from generations.engines.google.mapping import from_rpc, google_failures
from generations.engines.google.videos.jobs import (
    BoundedSink,
    Handle,
    Pending,
    Ready,
    VideoRequest,
    pending_after,
)


class Veo:
    """The video comes inside the finished operation: Google stores nothing of it for us."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._settings = clients.settings

    def create(self, request: VideoRequest) -> Handle:
        """`:predictLongRunning`, once."""
        model = self._settings.veo_model
        config = types.GenerateVideosConfig(
            number_of_videos=1,
            duration_seconds=request.seconds,
            aspect_ratio=request.aspect,
            resolution=self._settings.video_resolution,
            person_generation="allow_adult",
            generate_audio=request.sound,
            http_options=request_options(self._settings.create_seconds, request.seconds_left),
        )
        source, client = _source(request), self._clients.cloud()
        with google_failures():
            operation = client.models.generate_videos(model=model, source=source, config=config)
        if not operation.name:
            raise GoogleFailure(
                "provider_error", "unreadable", detail="No name.", maybe_accepted=True
            )
        return Handle("veo", operation.name, model, request.seconds)

    def poll(self, handle: Handle) -> Pending | Ready:
        """`:fetchPredictOperation`; its stored name is enough."""
        options = request_options(self._settings.poll_seconds)
        try:
            with google_failures():
                operation = self._clients.cloud().operations.get(
                    types.GenerateVideosOperation.model_validate({"name": handle.ref}),
                    config=types.GetOperationConfig(http_options=options),
                )
        except GoogleFailure as failure:
            return pending_after(failure, self._settings.poll_again)
        if not operation.done:
            return Pending(self._settings.poll_every)
        return _ready(operation)

    def download(self, ready: Ready, sink: BoundedSink) -> None:
        """Write what came along."""
        sink.write(ready.content)

    def delete(self, handle: Handle, ready: Ready | None) -> bool:
        """Nothing is stored: no storage address is ever given to Veo."""
        return True

    def cancel(self, handle: Handle) -> bool:
        """The SDK has no way to cancel an operation; its result is simply never fetched."""
        return False


def _source(request: VideoRequest) -> types.GenerateVideosSource:
    if request.first_frame is None:
        return types.GenerateVideosSource(prompt=request.prompt.joined)
    frame = raster.as_reference(raster.open_rgb(request.first_frame))
    image = types.Image(image_bytes=frame.content, mime_type=frame.media_type)
    return types.GenerateVideosSource(prompt=request.prompt.joined, image=image)


def _ready(operation: types.GenerateVideosOperation) -> Ready:
    """The finished operation's video; an error there raises nothing by itself."""
    if operation.error:
        code, message = operation.error.get("code"), operation.error.get("message")
        raise from_rpc(int(code or 13), str(message or ""))
    response = operation.response or operation.result
    videos = (response.generated_videos if response else None) or []
    for made in videos:
        if made.video and made.video.video_bytes:
            return Ready(content=made.video.video_bytes)
    reasons = (response.rai_media_filtered_reasons if response else None) or []
    if reasons or (response and response.rai_media_filtered_count):
        raise GoogleFailure(
            "content_policy", "refused_output", reason="RAI", detail=" ".join(reasons)
        )
    raise GoogleFailure("provider_error", "nothing_made", detail="Done without a video.")

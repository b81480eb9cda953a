"""Video two ways: Omni over the Interactions API, Veo over long-running operations; and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from generations.engines.fake_google import markers
from generations.engines.fake_google.markers import Marker
from generations.engines.fake_google.replies import (
    HTML_PAGE,
    Json,
    Reply,
    b64,
    bad_transport,
    error_body,
    error_reply,
    http_refusal,
    huge_chunks,
    json_reply,
)
from generations.engines.fake_google.state import State, VideoJob

# The SDK finds a file's name only in URIs of https; the host is ignored for the request.
FILES_URI = "https://generativelanguage.googleapis.com/v1beta/files"
_CLIPS = Path(__file__).parent / "clips"
_LENGTHS = (4, 6, 8)
_POLL_FAILURES = {
    "poll-429": Marker("429"),
    "poll-503": Marker("503"),
    "poll-404": Marker("404"),
    "poll-cut": Marker("reset"),
}


def clip(job: VideoJob) -> bytes:
    """The built-in clip of the nearest length and the asked shape."""
    if job.marker.name == "not-a-video":
        return HTML_PAGE
    lengths = sorted(_LENGTHS, key=lambda seconds: abs(seconds - job.seconds))
    length = lengths[-1] if job.marker.name == "short-clip" else lengths[0]
    shape = "9x16" if job.aspect == "9:16" else "16x9"
    return (_CLIPS / f"{shape}-{length}s.mp4").read_bytes()


def create_interaction(state: State, body: Json) -> Reply:
    """`POST /v1/interactions`."""
    content = [each for step in body.get("input", []) for each in step.get("content", [])]
    prompt = "\n".join(each["text"] for each in content if each.get("type") == "text")
    images = sum(each.get("type") == "image" for each in content)
    wanted = body.get("response_format", {})
    job = VideoJob(
        id="v1_",
        model=body.get("model", ""),
        marker=Marker(),
        seconds=float(str(wanted.get("duration", "8s")).removesuffix("s")),
        aspect=wanted.get("aspect_ratio", "16:9"),
        has_picture=images > 0,
    )
    return _create(state, job, prompt, images, _interaction)


def create_operation(state: State, resource: str, body: Json) -> Reply:
    """`POST …/models/{model}:predictLongRunning`."""
    instance = (body.get("instances") or [{}])[0]
    settings = body.get("parameters", {})
    images = ("image" in instance) + len(instance.get("referenceImages", []))
    job = VideoJob(
        id="op",
        model=resource.rpartition("/")[2],
        marker=Marker(),
        seconds=float(settings.get("durationSeconds", 8)),
        aspect=settings.get("aspectRatio", "16:9"),
        has_picture=images > 0,
    )

    def started(accepted: VideoJob) -> Json:
        return {"name": f"{resource}/operations/{accepted.id}"}

    return _create(state, job, instance.get("prompt", ""), images, started)


def _create(
    state: State, job: VideoJob, prompt: str, images: int, view: Callable[[VideoJob], Json]
) -> Reply:
    state.count("video_create", job.model, prompt, images)
    marker = state.effective(markers.find(prompt), prompt)

    def accept() -> Reply:
        return json_reply(view(state.add_job(replace(job, marker=marker))))

    if marker.name == "lost":
        accept()
        return Reply(hang_up=True)
    return http_refusal(marker) or bad_transport(marker, accept) or accept()


def _poll(state: State, job: VideoJob | None, view: Callable[[VideoJob], Json]) -> Reply:
    state.count("video_poll", job.model if job else "")
    if job is None:
        return error_reply(404, "NOT_FOUND", "The job was not found.")
    if job.marker.name in _POLL_FAILURES:
        failure = _POLL_FAILURES[job.marker.name]
        return Reply(hang_up=True) if failure.name == "reset" else _refused(failure)
    job.polls += 1
    return json_reply(view(job))


def _refused(marker: Marker) -> Reply:
    return http_refusal(marker) or error_reply(500, "INTERNAL", "No such refusal.")


def _is_done(job: VideoJob) -> bool:
    if job.marker.name == "never":
        return False
    return job.polls >= (job.marker.number(2) if job.marker.name == "polls" else 2)


def get_interaction(state: State, interaction_id: str) -> Reply:
    """`GET /v1/interactions/{id}`."""
    return _poll(state, state.jobs.get(interaction_id), _interaction)


def cancel_interaction(state: State, interaction_id: str) -> Reply:
    """`POST /v1/interactions/{id}/cancel`."""
    job = state.jobs.get(interaction_id)
    if job is None:
        return error_reply(404, "NOT_FOUND", "The interaction was not found.")
    job.cancelled = True
    return json_reply(_interaction(job))


def delete_interaction(state: State, interaction_id: str) -> Reply:
    """`DELETE /v1/interactions/{id}`."""
    if state.remove("interaction", interaction_id):
        return json_reply({})
    return error_reply(404, "NOT_FOUND", "The interaction was not found.")


def _interaction(job: VideoJob) -> Json:
    base: Json = {"id": job.id, "object": "interaction", "model": job.model, "steps": []}
    if job.cancelled:
        return {**base, "status": "cancelled"}
    if not _is_done(job):
        return {**base, "status": "in_progress"}
    return {**base, **_finished_interaction(job)}


def _finished_interaction(job: VideoJob) -> Json:
    said = {"type": "user_input", "content": []}
    match job.marker.name:
        case "failed":
            code = job.marker.value or "internal_error"
            return {"status": "failed", "errors": [{"code": code, "message": "It failed."}]}
        case "rai":
            text = "The video was filtered. Support codes: 15236754"
            return {"status": "failed", "errors": [{"code": "content_policy", "message": text}]}
        case "step-error":
            status = {"code": int(job.marker.number(13)), "message": "The step failed."}
            output = {"type": "model_output", "error": status}
            return {"status": "completed", "steps": [said, output]}
        case "empty":
            return {"status": "completed", "steps": [said]}
        case "status":
            return {"status": job.marker.value or "incomplete", "steps": [said]}
    made = {"type": "model_output", "content": [_video_content(job)]}
    usage = {"total_input_tokens": 300, "total_output_tokens": int(4344 * job.seconds)}
    return {"status": "completed", "steps": [said, made], "usage": usage}


def _video_content(job: VideoJob) -> Json:
    content: Json = {"type": "video", "mime_type": "video/mp4"}
    if job.marker.name == "inline":
        return {**content, "data": b64(clip(job))}
    return {**content, "uri": f"{FILES_URI}/{job.file}:download?alt=media"}


def fetch_operation(state: State, body: Json) -> Reply:
    """`POST …:fetchPredictOperation`."""
    name = str(body.get("operationName", ""))

    def view(job: VideoJob) -> Json:
        if not _is_done(job):
            return {"name": name}
        return {"name": name, "done": True, **_finished_operation(job)}

    return _poll(state, state.jobs.get(name.rpartition("/")[2]), view)


def _finished_operation(job: VideoJob) -> Json:
    kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
    response: dict[str, Any] = {"@type": kind, "raiMediaFilteredCount": 0}
    match job.marker.name:
        case "op" | "failed":
            code = int(job.marker.number(13))
            return {"error": {"code": code, "message": "The operation failed."}}
        case "rai":
            response["raiMediaFilteredCount"] = 1
            reason = (
                "Veo could not generate videos because of usage guidelines. Support codes: 58061214"
            )
            response["raiMediaFilteredReasons"] = [reason]
        case "empty":
            pass
        case _:
            video = {"bytesBase64Encoded": b64(clip(job)), "mimeType": "video/mp4"}
            response["videos"] = [video]
    return {"response": response}


def download(state: State, name: str) -> Reply:
    """`GET /v1/files/{name}:download`."""
    job = state.files.get(name)
    if job is None or job.marker.name == "download-404":
        return json_reply(error_body(404, "NOT_FOUND", "The file was not found."), 404)
    if job.marker.name == "download-503":
        return _refused(Marker("503"))
    if job.marker.name == "download-huge":
        chunks = huge_chunks(job.marker.number(500), b"\0\0\0\x18ftypmp42")
        return Reply(content_type="video/mp4", chunks=chunks)
    return Reply(body=clip(job), content_type="video/mp4", cut=job.marker.name == "download-cut")


def delete_file(state: State, name: str) -> Reply:
    """`DELETE /v1/files/{name}`."""
    if state.remove("file", name):
        return json_reply({})
    return error_reply(404, "NOT_FOUND", "The file was not found.")

"""Reads a generateContent answer: refusals look like successes and raise nothing in the SDK."""

from __future__ import annotations

from typing import Any, Final

from google.genai import types

from generations.engines.google.errors import GoogleFailure

REFUSED: Final = frozenset(
    {
        "SAFETY",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "RECITATION",
        "IMAGE_RECITATION",
        "ESCALATION",
        "MODEL_ARMOR",
    }
)
NOTHING_MADE: Final = frozenset(
    {"NO_IMAGE", "IMAGE_OTHER", "OTHER", "MALFORMED_RESPONSE", "MAX_TOKENS"}
)
ACCOUNT_LIMITED: Final = "PUP_LIMITED_DISABLED"
DONE: Final = "STOP"


def word(value: Any) -> str:
    """An enum's wire word; the SDK invents members for words it does not know."""
    return str(getattr(value, "value", value) or "")


def candidate_of(response: types.GenerateContentResponse) -> types.Candidate:
    """The one candidate, or the GoogleFailure of an answer that has none."""
    if response.candidates:
        return response.candidates[0]
    feedback = response.prompt_feedback
    if feedback is None and response.usage_metadata is None and not response.response_id:
        # Not even the envelope: an empty body, not a refusal.
        raise GoogleFailure(
            "provider_error", "unreadable", detail="An empty answer.", retry_helps=True
        )
    reason = word(feedback.block_reason) if feedback else ""
    detail = (feedback.block_reason_message if feedback else None) or "No candidates."
    raise GoogleFailure("content_policy", "refused_input", reason=reason, detail=detail)


def check_finish(candidate: types.Candidate) -> None:
    """Raise the GoogleFailure of a finish reason other than STOP."""
    reason = word(candidate.finish_reason)
    if reason != DONE:
        raise failure_of_finish(reason, candidate.finish_message or "")


def failure_of_finish(reason: str, detail: str = "") -> GoogleFailure:
    """What a finish reason means that is not STOP; an unknown one is a provider error."""
    if reason in REFUSED:
        return GoogleFailure("content_policy", "refused_output", reason=reason, detail=detail)
    if reason == ACCOUNT_LIMITED:
        return GoogleFailure(
            "platform_error", "account_limited", reason=reason, detail=detail, alarm=True
        )
    return GoogleFailure(
        "provider_error",
        "nothing_made",
        reason=reason,
        detail=detail,
        retry_helps=not reason or reason in NOTHING_MADE,
    )


def parts_of(candidate: types.Candidate) -> list[types.Part]:
    """The parts that are not the model's thoughts."""
    parts = (candidate.content.parts if candidate.content else None) or []
    return [part for part in parts if not part.thought]


def text_of(candidate: types.Candidate) -> str:
    """All text that is not thought."""
    return "".join(part.text or "" for part in parts_of(candidate))


def usage_of(response: types.GenerateContentResponse) -> dict[str, Any]:
    """The tokens Google reports, as JSON can carry them."""
    usage = response.usage_metadata
    return usage.model_dump(mode="json", exclude_none=True) if usage else {}

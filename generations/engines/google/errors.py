"""How work at Google fails: one exception, whose outcome decides what becomes of the credits."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Outcome = Literal["platform_error", "provider_error", "content_policy", "timeout"]

# Sentences for the merchant by code, in English: they are stored with the run and translated for
# whoever reads it. The adapter marks them for translation.
MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "key_refused": "Google refused our credentials. Our staff has been told.",
        "account_limited": "Google has limited our account. Our staff has been told.",
        "not_allowed": "Google does not serve our account for this. Our staff has been told.",
        "model_gone": "The Google model is not there any more. Our staff has been told.",
        "quota": "Our share of Google's capacity is used up for the moment.",
        "bad_request": "We asked Google in a way it does not understand. Our staff has been told.",
        "stored_picture": "The stored picture could not be read.",
        "picture_refused": "Google could not read one of the pictures.",
        "unavailable": "Google's service failed.",
        "unreachable": "The connection to Google broke.",
        "unreadable": "Google's answer could not be read.",
        "too_large": "Google's answer was larger than we take.",
        "nothing_made": "Google's model made nothing.",
        "words_only": "Google's model answered with words and made no picture.",
        "bad_picture": "Google's picture could not be used.",
        "wrong_size": "Google's picture has another size than asked for.",
        "bad_video": "Google's video could not be used.",
        "bad_text": "Google's text does not have the form that was asked for.",
        "job_lost": "Google does not know this video any more.",
        "job_failed": "Google could not make the video.",
        "cancelled": "The video was cancelled at Google.",
        "refused_input": "Google refused the request for its content.",
        "refused_output": "Google held the result back for its content.",
        "timeout": "Google took longer than the run may.",
    }
)


class GoogleFailure(Exception):  # noqa: N818 - an outcome of work; "Error" is base.EngineError's
    """Work that failed at Google, or on the way there and back.

    `code` is a key of MESSAGES, `reason` Google's own word, `detail` text for the log and staff.
    `retry_helps` says whether the same call may succeed later, `retry_after` (seconds) when Google
    named a time. `alarm` asks for staff at once and for the tool to be switched off.
    `maybe_accepted` means that Google may have taken, and billed, the job.
    """

    def __init__(
        self,
        outcome: Outcome,
        code: str,
        *,
        reason: str = "",
        detail: str = "",
        retry_helps: bool = False,
        retry_after: float | None = None,
        alarm: bool = False,
        maybe_accepted: bool = False,
    ) -> None:
        super().__init__(MESSAGES[code])
        self.outcome: Outcome = outcome
        self.code = code
        self.reason = reason
        self.detail = detail[:2000]
        self.retry_helps = retry_helps
        self.retry_after = retry_after
        self.alarm = alarm
        self.maybe_accepted = maybe_accepted

    def __repr__(self) -> str:
        return f"GoogleFailure({self.outcome}, {self.code}, reason={self.reason!r})"


def unusable(code: str, detail: str) -> GoogleFailure:
    """Something came back and cannot be used: a provider error that a second try may heal."""
    return GoogleFailure("provider_error", code, detail=detail, retry_helps=True)

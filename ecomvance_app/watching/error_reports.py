"""Error reports to Sentry, from which no secret may be read.

A report is read by more people than the database is. So it has no local variables, no request body
and no address' query, and what still looks like a token is blacked out wherever it stands.

Source: Sentry's documentation, "Scrubbing Sensitive Data".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import sentry_sdk

from ecomvance_app.watching.hiding import HIDDEN, without_secrets

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# Headers beside these may hold a token or, in the address of the page before, its query.
_HEADERS = {"accept", "content-type", "host", "user-agent"}
_QUERY = re.compile(r"(?<=\?)[^\s\"'#]+")


def start(dsn: str) -> None:
    """Send unhandled errors and logged ones of this process to `dsn`."""
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_without_secrets,
    )


def _without_secrets(event: Event, _hint: Hint) -> Event:
    request: dict[str, Any] = cast("dict[str, Any]", event.get("request") or {})
    if request:
        for name in ("query_string", "cookies", "data", "env"):
            request.pop(name, None)
        headers = request.get("headers", {})
        request["headers"] = {name: headers[name] for name in headers if name.lower() in _HEADERS}
    cleaned: Event = _cleaned(event)
    return cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(_QUERY.sub(HIDDEN, value))
    if isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value

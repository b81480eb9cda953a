"""What proves somebody's identity, taken out of texts that more people read than the database."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
LONGEST_PART = 36  # A UUID.
_SECRETS = re.compile(
    r"(shp[a-z]{2}_|ecv_|(?:Bearer|Basic)\s+|(?:id_token|token|hmac|key|secret|code|password)=)"
    r"[^\s&\"',]+"
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*"
)
# Longer parts of a path are links that open something for whoever has them. Modules of Python are not.
_LINKS = re.compile(
    rf"(?<=/)(?![^\s/]+\.py\b)([^\s/?#\"'<>]{{4}})[^\s/?#\"'<>]{{{LONGEST_PART - 3},}}"
)


def without_secrets(text: str) -> str:
    """The text with tokens, keys and signatures blacked out, and links cut short, wherever they stand."""
    text = _SECRETS.sub(lambda found: f"{found[1] or ''}{HIDDEN}", text)
    return _LINKS.sub(r"\1…", text)

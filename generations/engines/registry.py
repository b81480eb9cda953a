"""Every engine that this product has: the local ones by tool, Google's by tool.

A tool that stands in neither mapping cannot be started. Which of the two runs a tool is ruled by
`routing`.
"""

from __future__ import annotations

from generations.engines.base import Engine
from generations.engines.google.engine import (
    PICTURE_TOOLS,
    VIDEO_TOOLS,
    GooglePictures,
    GoogleVideos,
)
from generations.engines.local.background_removal import BackgroundRemoval

LOCAL: dict[str, Engine] = {"background-removal": BackgroundRemoval()}
GOOGLE: dict[str, Engine] = {
    **dict.fromkeys(PICTURE_TOOLS, GooglePictures()),
    **dict.fromkeys(VIDEO_TOOLS, GoogleVideos()),
}


def find(engine: str, tool: str) -> Engine | None:
    """The engine of this name for this tool, if there is one."""
    return {"local": LOCAL, "google": GOOGLE}[engine].get(tool)

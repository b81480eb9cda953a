"""Every engine that this product has: the local ones by tool, Google's by tool.

A tool that stands in neither mapping cannot be started. Which of the two runs a tool is ruled by
`routing`.
"""

from __future__ import annotations

from generations.engines.base import Engine
from generations.engines.google.descriptions import GoogleDescriptions
from generations.engines.google.engine import (
    PICTURE_TOOLS,
    VIDEO_TOOLS,
    GoogleChat,
    GooglePictures,
    GoogleVideos,
)
from generations.engines.local.background_removal import BackgroundRemoval
from generations.engines.local.descriptions import Descriptions
from generations.engines.local.enhance import Enhance
from generations.engines.local.guide import Guide
from generations.engines.local.object_removal import ObjectRemoval
from generations.engines.local.placeholders import TITLES, Placeholders
from generations.engines.local.reels import Reels
from generations.engines.local.scenes import Scenes, StyleCloning
from generations.engines.local.shadowing import Shadowing

_SCENES, _REELS, _PLACEHOLDERS = Scenes(), Reels(), Placeholders()

LOCAL: dict[str, Engine] = {
    "background-removal": BackgroundRemoval(),
    "object-removal": ObjectRemoval(),
    "image-enhance": Enhance(),
    "ai-shadowing": Shadowing(),
    "product-placement": _SCENES,
    "ai-backgrounds": _SCENES,
    "model-backgrounds": _SCENES,
    "style-cloning": StyleCloning(),
    "product-reels": _REELS,
    "model-reels": _REELS,
    "description-generator": Descriptions(),
    "chat-assistant": Guide(),
    **dict.fromkeys(TITLES, _PLACEHOLDERS),
}
GOOGLE: dict[str, Engine] = {
    **dict.fromkeys(PICTURE_TOOLS, GooglePictures()),
    **dict.fromkeys(VIDEO_TOOLS, GoogleVideos()),
    "description-generator": GoogleDescriptions(),
    "chat-assistant": GoogleChat(),
}


def find(engine: str, tool: str) -> Engine | None:
    """The engine of this name for this tool, if there is one."""
    return {"local": LOCAL, "google": GOOGLE}[engine].get(tool)

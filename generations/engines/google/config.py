"""Everything an operator can set about Google's models, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

ImageSize = Literal["1K", "2K", "4K"]
SIDES: Mapping[str, int] = MappingProxyType({"1K": 1024, "2K": 2048, "4K": 4096})
MAX_PICTURES = 14
COMMON_ASPECTS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
WIDE_ASPECTS = ("1:4", "4:1", "1:8", "8:1")
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class GoogleSettings:
    """Credentials, addresses, models and limits. Nothing here is ever logged.

    An API key opens pictures, text and Omni; a Google Cloud project opens all but Omni, and Veo.
    `credentials` None means Google's application default credentials. Time-outs are seconds.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = ""
    # Empty takes the SDK's (v1); v1beta where a field turns out to be refused on v1.
    api_version: str = ""
    project: str = ""
    location: str = "us-central1"
    vertex_base_url: str = ""
    credentials: Credentials | None = field(default=None, repr=False)

    image_model: str = "gemini-nano-banana-2.1"
    text_model: str = "gemini-3.8-flash"
    omni_model: str = "gemini-omni-1.2-flash"
    veo_model: str = "veo-3.1-generate-001"
    image_aspects: tuple[str, ...] = COMMON_ASPECTS + WIDE_ASPECTS
    # Category to threshold, in Google's words; empty leaves Google's own defaults.
    safety: Mapping[str, str] = field(default_factory=dict)

    image_seconds: float = 240
    text_seconds: float = 90
    create_seconds: float = 90
    poll_seconds: float = 30
    download_seconds: float = 300
    # How often a video is asked for, and how long to wait after a poll that failed.
    poll_every: float = 10
    poll_again: float = 30

    video_resolution: str = "720p"
    max_response_bytes: int = 96 * MEGABYTE
    max_video_bytes: int = 96 * MEGABYTE

    @property
    def has_key(self) -> bool:
        """Whether the Gemini API can be called."""
        return bool(self.api_key)

    @property
    def has_cloud(self) -> bool:
        """Whether Google Cloud can be called."""
        return bool(self.project)

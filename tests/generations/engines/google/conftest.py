from __future__ import annotations

import io

import pytest
from google.oauth2.credentials import Credentials
from PIL import Image, ImageDraw

from generations.engines.fake_google.server import FakeGoogleServer
from generations.engines.google.client import Clients
from generations.engines.google.config import GoogleSettings


@pytest.fixture
def fake():
    server = FakeGoogleServer()
    server.start()
    yield server
    server.stop()


def settings_for(fake, **changes):
    values = {
        "api_key": "a-key",
        "base_url": fake.base_url,
        "image_seconds": 20,
        "poll_every": 0.01,
        **changes,
    }
    return GoogleSettings(**values)


def cloud_for(fake, **changes):
    return settings_for(
        fake,
        **{
            "api_key": "",
            "project": "a-project",
            "vertex_base_url": fake.base_url,
            "credentials": Credentials(token="a-static-token"),
            **changes,
        },
    )


@pytest.fixture
def clients(fake):
    return Clients(settings_for(fake))


@pytest.fixture
def cloud(fake):
    return Clients(cloud_for(fake))


def picture(width=640, height=480, colour=(200, 40, 40), mode="RGB", kind="PNG"):
    """A picture with something on it."""
    image = Image.new(mode, (width, height), colour)
    ImageDraw.Draw(image).ellipse((width // 4, height // 4, width // 2, height // 2), fill="navy")
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def mask(width=640, height=480, box=(100, 100, 300, 300)):
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).rectangle(box, fill=255)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()

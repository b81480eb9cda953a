"""`manage.py contact_sheet`: pictures to look at, made on the way that merchants' runs take."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from credits.models import LedgerEntry
from generations.models import Generation
from tests.generations.sample_pictures import product_on_table

pytestmark = pytest.mark.django_db


@pytest.fixture
def photos(tmp_path: Path, settings) -> Path:
    settings.DEBUG = True
    folder = tmp_path / "photos"
    folder.mkdir()
    product_on_table(400, 300).save(folder / "pot.png")
    return folder


def test_each_tool_is_run_and_paid_and_shown(photos, tmp_path, capsys):
    sheet = tmp_path / "sheet"

    call_command(
        "contact_sheet", str(sheet), "--tool", "image-enhance", "--tool", "object-removal",
        "--tool", "nano-banana-t2i", "--photos", str(photos),
    )  # fmt: skip

    runs = {run.tool: run for run in Generation.objects.all()}
    assert {tool: run.state for tool, run in runs.items()} == dict.fromkeys(
        ("image-enhance", "object-removal", "nano-banana-t2i"), "succeeded"
    )
    assert {tool: run.price for tool, run in runs.items()} == {
        "image-enhance": 50, "object-removal": 30, "nano-banana-t2i": 0,
    }  # fmt: skip
    assert LedgerEntry.objects.filter(kind="spend").count() == 2
    with Image.open(sheet / "image-enhance-pot.png") as picture:
        assert picture.size == (800, 600)
    page = (sheet / "index.html").read_text()
    assert page.count("<img") == 3
    assert "sandbox, Sandbox placeholder, 0 credits" in page


def test_it_opens_no_accounts_in_production(photos, tmp_path, settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="development only"):
        call_command("contact_sheet", str(tmp_path / "sheet"), "--photos", str(photos))


def test_a_folder_without_photos_is_a_sentence(photos, tmp_path):
    with pytest.raises(CommandError, match="no photos"):
        call_command("contact_sheet", str(tmp_path / "sheet"), "--photos", str(tmp_path))

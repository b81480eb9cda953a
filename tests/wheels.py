"""Small wheels on the spot, and a pip that finds those and nothing else."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from ecomvance_app.wheel_files import WheelFile


def write_wheel(folder: Path, name: str, version: str, files: dict[str, bytes], tag: str) -> Path:
    """A wheel that would not install here: it wants an old Python and a package nobody has."""
    info = f"{name}-{version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    metadata = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        "Requires-Python: <3.8\nRequires-Dist: a-package-that-nobody-has==9.9\n"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def pinned(member: str, content: bytes, version: str = "1.0", platform: str = "") -> WheelFile:
    """The pin that fits the member of the wheel `specimens`."""
    digest = hashlib.sha256(content).hexdigest()
    return WheelFile("specimens", version, member, digest, len(content), platform)


@pytest.fixture
def own_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is pip's whole world in this test."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder

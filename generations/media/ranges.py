"""A part of a stored file, as browsers ask for parts of a video (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.files.base import File
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

_ONE_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_CHUNK = 64 * 1024


def respond(request: HttpRequest, file: File[bytes], content_type: str) -> HttpResponseBase:
    """The file, or the one range of it that was asked for: 200, 206, or 416 beyond its end.

    A header that is no single range of bytes is passed over, as the standard lets a server do.
    """
    size = file.size
    found = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    first, last, status = 0, size - 1, 200
    if found and (found[1] or found[2]):
        status = 206
        first = int(found[1]) if found[1] else max(0, size - int(found[2]))
        last = min(int(found[2]), last) if found[1] and found[2] else last
        if first >= size or first > last:
            file.close()
            refused = HttpResponse(status=416)
            refused["Content-Range"] = f"bytes */{size}"
            return refused
    response = StreamingHttpResponse(_Part(file, first, last - first + 1), status=status)
    response["Content-Type"] = content_type
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    if status == 206:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


class _Part:
    """The bytes of a file from `first` on, chunk by chunk; closed with the response, begun or not."""

    def __init__(self, file: File[bytes], first: int, length: int) -> None:
        self._file, self._left = file, length
        file.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self._file.read(min(_CHUNK, self._left)) if self._left else b""
        if not chunk:
            self.close()
            raise StopIteration
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        self._file.close()

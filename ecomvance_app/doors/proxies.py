"""Where a request comes from, when proxies stand between.

Each proxy appends to `X-Forwarded-For` whom it heard; only what a trusted one appended counts, and
whatever stands to the left of the first address that is no trusted proxy was written by anybody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def client_address(peer: str, forwarded: str) -> str:
    """The nearest address that is no proxy of ours; `peer` is who opened the connection."""
    heard = [address.strip() for address in forwarded.split(",") if address.strip()]
    nearest = peer
    while heard and is_trusted(nearest):
        nearest = heard.pop()
    return nearest if _parsed(nearest) else peer


def is_trusted(address: str) -> bool:
    """Whether TRUSTED_PROXIES names this address, or a network that it is in."""
    parsed = _parsed(address)
    networks = (ipaddress.ip_network(text, strict=False) for text in settings.TRUSTED_PROXIES)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return mapped or parsed


class ClientAddressMiddleware:
    """Puts the client's own address where Django and allauth read it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        peer = request.META.get("REMOTE_ADDR", "")
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        request.META["REMOTE_ADDR"] = client_address(peer, forwarded)
        return self.get_response(request)

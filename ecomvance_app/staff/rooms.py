"""What every page of the staff's site has in common: who may open it, and its frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

View = Callable[..., HttpResponse]


def staff_page(*permissions: str) -> Callable[[View], View]:
    """Let members of staff in who hold all of `permissions`; others see 403, strangers the sign-in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perms(permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            answer: HttpResponse = admin.site.admin_view(guarded)(request, *args, **kwargs)
            return answer

        return page

    return decorate


def render_page(
    request: HttpRequest, template: str, title: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page in the site's frame."""
    frame = admin.site.each_context(request) | {"title": title}
    return render(request, template, frame | context, status=status)

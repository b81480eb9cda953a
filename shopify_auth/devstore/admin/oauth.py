"""The legacy authorization-code grant, for apps that do not use managed installation."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect

from shopify_auth.devstore import billing
from shopify_auth.devstore.admin.frame import signed_query
from shopify_auth.devstore.admin.html import page, refuse_foreign_post
from shopify_auth.devstore.fake import FakeRequest, shop_by_domain


def install(request: FakeRequest, domain: str) -> HttpResponse:
    """The install link: the app's page in the admin asks whether to install it."""
    shop = shop_by_domain(request.fake.store.copy(), domain)
    return HttpResponseRedirect(f"/store/{shop.handle}/apps/{settings.SHOPIFY_API_KEY}")


def authorize(request: FakeRequest, domain: str) -> HttpResponse:
    """Ask the merchant to grant the scopes; refused unless the redirect goes to the app."""
    shop = shop_by_domain(request.fake.store.copy(), domain)
    wanted = request.GET
    known = wanted.get("client_id") == settings.SHOPIFY_API_KEY
    if not known or not wanted.get("redirect_uri", "").startswith(f"{settings.APP_URL}/"):
        return HttpResponse("Oauth error invalid_request", status=400, content_type="text/plain")
    context = {
        "current": "app",
        "scopes": (wanted.get("scope") or ",".join(settings.SHOPIFY_SCOPES)).split(","),
        "grant_path": f"/shops/{domain}/admin/oauth/grant",
        "redirect_uri": wanted["redirect_uri"],
        "oauth_state": wanted.get("state", ""),
    }
    return page(request, shop, "authorize.html", context)


def grant(request: FakeRequest, domain: str) -> HttpResponse:
    """The merchant agrees: back to the app with a code that works once."""
    refuse_foreign_post(request)
    redirect_uri = request.POST.get("redirect_uri", "")
    if not redirect_uri.startswith(f"{settings.APP_URL}/"):
        return HttpResponse("Oauth error invalid_request", status=400, content_type="text/plain")
    code = secrets.token_hex(16)
    with request.fake.store.change() as state:
        shop = shop_by_domain(state, domain)
        billing.install(shop, request.POST.get("scope", "").split(","), state.take_number())
        shop.authorization_code = code
        extra = {"code": code, "state": request.POST.get("state", "")}
        query = signed_query(request.fake, shop, extra)
    return HttpResponseRedirect(f"{redirect_uri}?{urlencode(query)}")

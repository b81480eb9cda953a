"""The admin: its home, its products, and the app in its frame."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse

from ecomvance_app import clock
from shopify_auth.devstore import billing, tokens, webhooks
from shopify_auth.devstore.admin.frame import document_url, host_parameter, signed_query
from shopify_auth.devstore.admin.html import page, refuse_foreign_post
from shopify_auth.devstore.admin_api.installation import APP_HANDLE
from shopify_auth.devstore.admin_api.products import product_nodes
from shopify_auth.devstore.fake import FakeRequest, shop_by_domain, shop_by_handle
from shopify_auth.devstore.state import Shop


def index(request: FakeRequest) -> HttpResponse:
    """The first store's admin."""
    first = next(iter(request.fake.store.copy().shops))
    return HttpResponseRedirect(f"/store/{first}")


def home(request: FakeRequest, handle: str) -> HttpResponse:
    """The store's home with its apps."""
    return page(request, _shop(request, handle), "home.html", {"current": "home"})


def products(request: FakeRequest, handle: str) -> HttpResponse:
    """The store's products, with everything the app added to them."""
    shop = _shop(request, handle)
    shown = [_product_row(node) for node in product_nodes(shop, request.fake.base_url)]
    context = {"current": "products", "products": shown}
    return page(request, shop, "products.html", context)


def product_choices(request: FakeRequest, handle: str) -> HttpResponse:
    """The products for the resource picker, in the shape App Bridge resolves to."""
    shop = _shop(request, handle)
    rows = [_product_row(node) for node in product_nodes(shop, request.fake.base_url)]
    return JsonResponse(
        {
            "products": [
                {
                    "id": row["id"],
                    "title": row["title"],
                    "handle": row["handle"],
                    "vendor": row["vendor"],
                    "productType": row["type"],
                    "images": row["pictures"],
                    "variants": [],
                }
                for row in rows
            ]
        }
    )


def app(request: FakeRequest, handle: str, client_id: str, path: str = "") -> HttpResponse:
    """The app in the admin's frame, or the page that asks to install it."""
    if client_id not in {settings.SHOPIFY_API_KEY, APP_HANDLE}:
        raise Http404
    shop = _shop(request, handle)
    if not shop.installed:
        context = {"current": "app", "scopes": settings.SHOPIFY_SCOPES}
        return page(request, shop, "install.html", context)
    _grant_new_scopes(request, handle)
    context = {
        "current": "app",
        "frame_url": document_url(request.fake, shop, path, request.GET),
        "host": host_parameter(request.fake, shop),
    }
    return page(request, shop, "app.html", context)


def app_of_domain(
    request: FakeRequest, domain: str, client_id: str, path: str = ""
) -> HttpResponse:
    """The same, addressed by the shop's domain as in `https://{shop}/admin/apps/{client id}`."""
    shop = shop_by_domain(request.fake.store.copy(), domain)
    page_path = f"{client_id}/{path}" if path else client_id
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return HttpResponseRedirect(f"/store/{shop.handle}/apps/{page_path}{query}")


def billing_settings(request: FakeRequest, domain: str) -> HttpResponse:
    """Where a merchant pays Shopify's bills: here a button of the control page pays them."""
    shop = shop_by_domain(request.fake.store.copy(), domain)
    return HttpResponseRedirect(f"/store/{shop.handle}/controls")


def install(request: FakeRequest, handle: str) -> HttpResponse:
    """Install the app with the scopes it asks for, as managed installation does.

    An app with the legacy flow installs itself: it is opened in the top window and sends the
    merchant to the authorization page.
    """
    refuse_foreign_post(request)
    if settings.SHOPIFY_LEGACY_INSTALL:
        query = signed_query(request.fake, _shop(request, handle), {})
        return HttpResponseRedirect(f"{settings.APP_URL}/?{urlencode(query)}")
    with request.fake.store.change() as state:
        shop = shop_by_handle(state, handle)
        if not shop.installed:
            billing.install(shop, settings.SHOPIFY_SCOPES, state.take_number())
    return HttpResponseRedirect(f"/store/{handle}/apps/{settings.SHOPIFY_API_KEY}")


def session_token(request: FakeRequest, handle: str) -> HttpResponse:
    """A fresh session token for the admin's own script, which hands it to the frame."""
    refuse_foreign_post(request)
    shop = _shop(request, handle)
    if not shop.installed:
        return JsonResponse({"error": "not_installed"}, status=403)
    answer = JsonResponse({"id_token": tokens.session_token(shop)})
    answer["Cache-Control"] = "no-store"
    return answer


def frame_url(request: FakeRequest, handle: str) -> HttpResponse:
    """The signed address of one of the app's pages, for navigation inside the admin."""
    refuse_foreign_post(request)
    shop = _shop(request, handle)
    url = document_url(request.fake, shop, request.GET.get("path", ""), request.POST)
    return JsonResponse({"url": url})


def _shop(request: FakeRequest, handle: str) -> Shop:
    """A copy of the shop, after what time has brought."""
    with request.fake.store.change() as state:
        billing.let_time_pass(state, clock.now())
    request.fake.courier.wake()
    return shop_by_handle(request.fake.store.copy(), handle)


def _grant_new_scopes(request: FakeRequest, handle: str) -> None:
    """Opening the app grants what its configuration newly asks for, and tells so by webhook."""
    with request.fake.store.change() as state:
        shop = shop_by_handle(state, handle)
        previous = shop.scopes
        if set(previous) != set(settings.SHOPIFY_SCOPES):
            shop.scopes = list(settings.SHOPIFY_SCOPES)
            webhooks.send_scopes(state, shop, previous, clock.now())
    request.fake.courier.wake()


def _product_row(node: dict[str, Any]) -> dict[str, Any]:
    media = node["media"](None, first=250)["nodes"]
    return {
        "id": node["id"],
        "title": node["title"],
        "handle": node["handle"],
        "vendor": node["vendor"],
        "type": node["productType"],
        "description": node["description"](None),
        "pictures": [
            {
                "id": item["id"],
                "originalSrc": item["image"]["url"],
                "altText": item["alt"],
            }
            for item in media
            if item["__typename"] == "MediaImage" and item["image"]
        ],
        "videos": [item for item in media if item["__typename"] == "Video"],
    }

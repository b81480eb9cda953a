"""The routes of the fake Shopify, never included by the app."""

from __future__ import annotations

from django.urls import path

from shopify_auth.devstore import files
from shopify_auth.devstore.admin import charges, controls, oauth, pages
from shopify_auth.devstore.admin_api import endpoints

urlpatterns = [
    path("", pages.index),
    path("store/<slug:handle>", pages.home),
    path("store/<slug:handle>/products", pages.products),
    path("store/<slug:handle>/products.json", pages.product_choices),
    path("store/<slug:handle>/session_token", pages.session_token),
    path("store/<slug:handle>/frame_url", pages.frame_url),
    path("store/<slug:handle>/install", pages.install),
    path("store/<slug:handle>/apps/<str:client_id>", pages.app),
    path("store/<slug:handle>/apps/<str:client_id>/", pages.app),
    path("store/<slug:handle>/apps/<str:client_id>/<path:path>", pages.app),
    path("store/<slug:handle>/controls", controls.controls),
    path("store/<slug:handle>/controls/<slug:action>", controls.act),
    path("store/<slug:handle>/charges/<int:number>/decision", charges.decide),
    path("store/<slug:handle>/charges/<int:number>/<slug:kind>", charges.confirmation),
    path("shops/<str:domain>/admin/apps/<str:client_id>", pages.app_of_domain),
    path("shops/<str:domain>/admin/apps/<str:client_id>/<path:path>", pages.app_of_domain),
    path("shops/<str:domain>/admin/settings/billing", pages.billing_settings),
    path("shops/<str:domain>/admin/oauth/install", oauth.install),
    path("shops/<str:domain>/admin/oauth/authorize", oauth.authorize),
    path("shops/<str:domain>/admin/oauth/grant", oauth.grant),
    path("shops/<str:domain>/admin/oauth/access_token", endpoints.access_token),
    path("shops/<str:domain>/admin/api/<str:version>/graphql.json", endpoints.graphql),
    path("files/uploads/<str:name>", files.uploaded),
    path("files/<slug:handle>/<str:name>", files.photo),
    path("uploads/<slug:handle>/<str:name>", files.upload),
    path("app-bridge.js", files.static_file, {"name": "app-bridge.js"}),
    path("static/<str:name>", files.static_file),
]

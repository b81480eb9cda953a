"""The routes of the fake Shopify, never included by the app."""

from __future__ import annotations

from django.urls import path

from shopify_auth.devstore import api

urlpatterns = [
    path("shops/<str:domain>/admin/oauth/access_token", api.access_token),
    path("shops/<str:domain>/admin/api/<str:version>/graphql.json", api.graphql),
]

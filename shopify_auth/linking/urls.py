"""Addresses below /dashboard/ for people with an account or without one."""

from __future__ import annotations

from django.urls import path

from shopify_auth.linking import joining

urlpatterns = [
    path("accounts", joining.accounts, name="accounts"),
    path("connect", joining.connect, name="connect"),
    path("connect/requests/<uuid:request_id>", joining.connect_request, name="connect_request"),
    path("connect/<str:token>", joining.connect_link, name="connect_link"),
    path("invitations/<str:token>", joining.invitation, name="invitation"),
]

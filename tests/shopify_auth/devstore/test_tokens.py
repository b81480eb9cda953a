"""The fake's token endpoint keeps Shopify's rules, over real HTTP."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
import time_machine
from django.conf import settings

from shopify_auth.devstore.tokens import EXCHANGE, ID_TOKEN, OFFLINE, ONLINE
from tests.devstore_fixture import DEMO, STRANGER, DevStore

SHOP_QUERY = "{ shop { name } }"


def ask(devstore: DevStore, handle: str = DEMO, **form: str) -> requests.Response:
    credentials = {
        "client_id": settings.SHOPIFY_API_KEY,
        "client_secret": settings.SHOPIFY_API_SECRET,
    }
    return requests.post(
        f"{devstore.url}/shops/{handle}.myshopify.com/admin/oauth/access_token",
        json=credentials | form,
        timeout=10,
    )


def exchange(devstore: DevStore, handle: str = DEMO, **form: str) -> requests.Response:
    wanted = {
        "grant_type": EXCHANGE,
        "subject_token": devstore.session_token(handle),
        "subject_token_type": ID_TOKEN,
        "requested_token_type": OFFLINE,
        "expiring": "1",
    }
    return ask(devstore, handle, **(wanted | form))


def refresh(devstore: DevStore, refresh_token: str) -> requests.Response:
    return ask(devstore, grant_type="refresh_token", refresh_token=refresh_token)


def api_status(devstore: DevStore, token: str, handle: str = DEMO) -> int:
    return devstore.admin_api(SHOP_QUERY, token, handle).status_code


class TestSessionToken:
    def test_it_has_every_claim_and_lives_a_minute(self, devstore: DevStore):
        claims: dict[str, Any] = jwt.decode(
            devstore.session_token(),
            settings.SHOPIFY_API_SECRET,
            algorithms=["HS256"],
            audience=settings.SHOPIFY_API_KEY,
        )

        assert claims["iss"] == "https://ecomvance-demo.myshopify.com/admin"
        assert claims["dest"] == "https://ecomvance-demo.myshopify.com"
        assert claims["exp"] - claims["nbf"] == 60
        assert {"sub", "jti", "sid", "sig", "iat"} <= claims.keys()


class TestExchange:
    def test_an_expiring_token_comes_with_a_refresh_token(self, devstore: DevStore):
        body = exchange(devstore).json()

        assert body["expires_in"] == 3600
        assert body["refresh_token_expires_in"] == 7_776_000
        assert body["scope"] == "read_products"
        assert api_status(devstore, body["access_token"]) == 200

    def test_without_expiring_the_token_never_expires(self, devstore: DevStore):
        body = exchange(devstore, expiring="0").json()

        assert body.keys() == {"access_token", "scope"}

    def test_a_form_body_is_as_good_as_json(self, devstore: DevStore):
        form = {
            "client_id": settings.SHOPIFY_API_KEY,
            "client_secret": settings.SHOPIFY_API_SECRET,
            "grant_type": EXCHANGE,
            "subject_token": devstore.session_token(),
            "subject_token_type": ID_TOKEN,
        }
        url = f"{devstore.url}/shops/{DEMO}.myshopify.com/admin/oauth/access_token"

        assert requests.post(url, data=form, timeout=10).status_code == 200

    def test_an_online_token_names_the_staff_member(self, devstore: DevStore):
        body = exchange(devstore, requested_token_type=ONLINE).json()

        assert body["associated_user"]["id"] == int(devstore.shop().staff_id)
        assert body["expires_in"] == 86_399
        assert "refresh_token" not in body

    def test_it_refuses_a_stale_session_token(self, devstore: DevStore):
        with time_machine.travel(time.time() - 120):
            stale = devstore.session_token()

        refused = exchange(devstore, subject_token=stale)

        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_subject_token"

    def test_it_refuses_another_shops_session_token(self, devstore: DevStore):
        foreign = devstore.session_token(STRANGER)

        assert exchange(devstore, subject_token=foreign).json()["error"] == "invalid_subject_token"

    def test_it_refuses_a_wrong_secret(self, devstore: DevStore):
        assert exchange(devstore, client_secret="wrong").json()["error"] == "invalid_client"

    def test_it_refuses_an_app_that_is_not_installed(self, devstore: DevStore):
        devstore.press("uninstall")

        assert exchange(devstore).json()["error"] == "invalid_client"

    def test_it_leaves_the_expiry_out_when_asked_to(self, devstore: DevStore):
        devstore.misbehave(expiry_left_out=1)

        assert "expires_in" not in exchange(devstore).json()
        assert "expires_in" in exchange(devstore).json()


class TestRefresh:
    def test_both_tokens_rotate_and_the_old_access_token_lives_on(self, devstore: DevStore):
        first = exchange(devstore).json()

        second = refresh(devstore, first["refresh_token"]).json()

        assert second["access_token"] != first["access_token"]
        assert second["refresh_token"] != first["refresh_token"]
        assert api_status(devstore, first["access_token"]) == 200
        assert api_status(devstore, second["access_token"]) == 200

    def test_the_old_refresh_token_works_until_its_successor_is_used(self, devstore: DevStore):
        first = exchange(devstore).json()
        lost = refresh(devstore, first["refresh_token"]).json()

        again = refresh(devstore, first["refresh_token"])
        assert again.status_code == 200
        assert api_status(devstore, lost["access_token"]) == 401

        assert api_status(devstore, again.json()["access_token"]) == 200
        late = refresh(devstore, first["refresh_token"])
        assert (late.status_code, late.json()["error"]) == (401, "invalid_request")

    def test_an_exchange_kills_the_earlier_refresh_token(self, devstore: DevStore):
        first = exchange(devstore).json()
        exchange(devstore)

        refused = refresh(devstore, first["refresh_token"])

        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")

    @pytest.mark.parametrize("moment", ["refresh_520_before", "refresh_520_after"])
    def test_after_a_520_the_old_refresh_token_still_works(self, devstore: DevStore, moment: str):
        first = exchange(devstore).json()
        devstore.misbehave_once(moment)

        assert refresh(devstore, first["refresh_token"]).status_code == 520
        assert refresh(devstore, first["refresh_token"]).status_code == 200

    def test_the_access_token_ends_after_an_hour_of_real_time(self, devstore: DevStore):
        token = exchange(devstore).json()["access_token"]
        devstore.move_clock(days=30)
        assert api_status(devstore, token) == 200

        with time_machine.travel(time.time() + 3_601):
            assert api_status(devstore, token) == 401

    def test_the_refresh_token_ends_after_ninety_days(self, devstore: DevStore):
        token = exchange(devstore).json()["refresh_token"]

        with time_machine.travel(time.time() + 90 * 86_400 + 1):
            assert refresh(devstore, token).status_code == 401


class TestMigration:
    def test_a_non_expiring_token_is_traded_and_dies(self, devstore: DevStore):
        old = exchange(devstore, expiring="0").json()["access_token"]

        traded = exchange(devstore, subject_token=old, subject_token_type=OFFLINE)

        assert traded.json()["expires_in"] == 3600
        assert api_status(devstore, traded.json()["access_token"]) == 200
        assert api_status(devstore, old) == 401

    def test_an_expiring_token_cannot_be_traded(self, devstore: DevStore):
        token = exchange(devstore).json()["access_token"]

        refused = exchange(devstore, subject_token=token, subject_token_type=OFFLINE)

        assert refused.json()["error"] == "invalid_subject_token"


class TestAuthorizationCode:
    def test_the_merchant_comes_back_with_a_code_that_works_once(self, devstore: DevStore):
        redirect_uri = f"{settings.APP_URL}/auth/callback"
        admin = f"{devstore.url}/shops/{DEMO}.myshopify.com/admin/oauth"
        query = {"client_id": settings.SHOPIFY_API_KEY, "redirect_uri": redirect_uri, "state": "n1"}
        assert "Install ecomVance" in requests.get(f"{admin}/authorize", query, timeout=10).text

        granted = requests.post(
            f"{admin}/grant",
            data={"redirect_uri": redirect_uri, "state": "n1", "scope": "read_products"},
            allow_redirects=False,
            timeout=10,
        )

        parameters = dict(parse_qsl(urlsplit(granted.headers["Location"]).query))
        assert parameters["state"] == "n1"
        assert parameters["shop"] == "ecomvance-demo.myshopify.com"
        token = ask(devstore, code=parameters["code"]).json()
        assert token["scope"] == "read_products"
        assert ask(devstore, code=parameters["code"]).status_code == 400

    def test_it_never_sends_a_code_elsewhere(self, devstore: DevStore):
        admin = f"{devstore.url}/shops/{DEMO}.myshopify.com/admin/oauth"
        elsewhere = {"redirect_uri": "https://elsewhere.example/", "scope": "read_products"}

        refused = requests.post(f"{admin}/grant", data=elsewhere, timeout=10)

        assert refused.status_code == 400

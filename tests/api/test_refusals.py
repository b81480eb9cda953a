"""What the API refuses, in JSON, and that a refusal charges and stores nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from credits import ledger
from generations import products
from generations.assist import conversations
from shopify_auth.models import Membership, Person
from tests.api.requests import CUT_OUT, SHADOWS, assert_refused, routes, upload
from tests.api.storefront import BARE, LAMP
from tests.embedded import session_token
from tests.generations import sample_pictures as samples
from tests.merchants import ApiMerchant


class TestIdentity:
    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": 1, "nbf": 0, "iat": 0},
            {"aud": "another-app"},
            {"iss": "https://x.example/admin"},
        ],
    )
    def test_refuses_bad_tokens_on_every_route(
        self, owner: ApiMerchant, stranger: Client, changes: dict[str, Any]
    ) -> None:
        before = owner.holdings
        token = session_token(owner.domain, **changes)

        for method, path in routes():
            for headers in (
                {},
                {"Authorization": f"Bearer {token}"},
                {"Authorization": "Basic eDp5"},
            ):
                answer = stranger.generic(method, path, headers=headers)

                assert_refused(answer, 401, "unauthorized")
                # App Bridge asks again with a fresh token; who came with a key has none.
                by_key = "Basic" in headers.get("Authorization", "")
                assert ("X-Shopify-Retry-Invalid-Session-Request" in answer) is not by_key
                assert not (by_key and "WWW-Authenticate" in answer)
        assert owner.holdings == before

    def test_takes_no_cookie_of_the_dashboard(self, owner: ApiMerchant, stranger: Client) -> None:
        person = Person.objects.create_user("olivia@example.com", "correct horse")
        Membership.objects.create(person=person, account=owner.account)
        stranger.force_login(person)
        assert stranger.get("/dashboard/balance").json()["total"] == 100

        for method, path in routes():
            assert_refused(stranger.generic(method, path), 401, "unauthorized")

    def test_needs_no_csrf_token_beside_the_session_token(self, owner: ApiMerchant) -> None:
        strict = Client(enforce_csrf_checks=True)

        answer = strict.post(
            "/api/v1/generations", CUT_OUT, content_type="application/json",
            headers=owner.headers | {"Idempotency-Key": "k1"},
        )  # fmt: skip

        assert answer.status_code == 201


class TestOtherShops:
    def test_shows_no_run_of_another_shop(
        self, owner: ApiMerchant, second_shop: ApiMerchant
    ) -> None:
        run_id = owner.post("generations", CUT_OUT).json()["id"]

        assert owner.get(f"generations/{run_id}").status_code == 200
        assert_refused(second_shop.get(f"generations/{run_id}"), 404, "not_found")

    def test_finds_nothing_of_another_shop_on_any_route(
        self, owner: ApiMerchant, second_shop: ApiMerchant, shadowing: None
    ) -> None:
        run_id = owner.post("generations", CUT_OUT).json()["id"]
        talk = str(conversations.begin(owner.account.pk, None, "Enamel mug", timezone.now()).pk)
        ledger.add_package(owner.account.pk, 500, "pkg")
        batch_id = owner.post("batches", SHADOWS, key="b1").json()["id"]
        mine, theirs = owner.holdings, second_shop.holdings
        answers = {
            "generations/<uuidstr:generation_id>": [
                second_shop.get(f"generations/{run_id}"),
                second_shop.client.delete(
                    f"/api/v1/generations/{run_id}", headers=second_shop.headers
                ),
            ],
            "generations/<uuidstr:generation_id>/cancel": [
                second_shop.post(f"generations/{run_id}/cancel", {}),
            ],
            "generations": [
                second_shop.post("generations", CUT_OUT),
                second_shop.post_form("generations", CUT_OUT),
            ],
            "batches": [second_shop.post("batches", SHADOWS)],
            "assist": [second_shop.post("assist", {"conversation": talk, "message": "hello"})],
            "batches/<uuidstr:batch_id>": [second_shop.get(f"batches/{batch_id}")],
        } | {
            f"batches/<uuidstr:batch_id>/{verb}": [
                second_shop.post(f"batches/{batch_id}/{verb}", "")
            ]
            for verb in ("resume", "retry", "pause", "cancel")
        }
        # A quote prices the tool alone; it never looks at the product.
        takes_no_id = {"balance", "tools", "usage", "openapi.json", "quotes", ""}

        assert answers.keys() | takes_no_id == set(_addresses())
        for refused in [answer for several in answers.values() for answer in several]:
            assert refused.status_code == 404
            assert "Enamel mug" not in refused.content.decode()
        assert (owner.holdings, second_shop.holdings) == (mine, theirs)
        assert second_shop.get("generations").json()["generations"] == []
        for path in ("balance", "usage"):
            assert second_shop.get(path).json() != owner.get(path).json()


def _addresses() -> set[str]:
    """Every address below /api/v1/ that the product's resolver knows."""
    found: set[str] = set()

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            address = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, address)
            elif address.startswith("api/v1/"):
                found.add(address.removeprefix("api/v1/"))

    walk(get_resolver().url_patterns, "")
    return found


class TestGenerations:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"tool": "no-such-tool"}, "unknown_option"),
            ({"tool": None}, "invalid_request"),
            ({"seconds": 4}, "unknown_option"),
            ({"seconds": 5}, "invalid_request"),
            ({"resolution": "8K"}, "invalid_request"),
            ({"tool": "veo-t2v", "seconds": 4}, "tool_unavailable"),
            ({"prompt": "x" * 2001}, "invalid_request"),
            ({"prompt": "a\0b"}, "invalid_request"),
            ({"prompt": "\ud800"}, "invalid_request"),
            ({"product_id": None}, "no_image"),
            ({"product_id": ""}, "invalid_request"),
            ({"colour": "red"}, "invalid_request"),
        ],
    )
    def test_refuses_bad_input(
        self, owner: ApiMerchant, changes: dict[str, Any], code: str
    ) -> None:
        before = owner.holdings

        assert_refused(owner.post("generations", CUT_OUT | changes), 422, code)
        assert owner.holdings == before

    @pytest.mark.parametrize("body", [" ", "{", "[]", "null", '"tool"', b"\xff\xfe", "[" * 100_000])
    def test_refuses_what_is_no_object(self, owner: ApiMerchant, body: Any) -> None:
        assert_refused(owner.post("generations", body), 422, "invalid_request")

    @pytest.mark.parametrize("key", [None, "", " ", "k" * 151, "schlüssel"])
    def test_needs_an_idempotency_key(self, owner: ApiMerchant, key: str | None) -> None:
        before = owner.holdings

        body = assert_refused(owner.post("generations", CUT_OUT, key), 422, "invalid_request")

        assert body["details"][0]["field"] == "Idempotency-Key"
        assert owner.holdings == before

    @pytest.mark.parametrize(
        ("content", "status", "code"),
        [
            (b"", 422, "empty"),
            (b"%PDF-1.7", 422, "not_a_picture"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "not_a_picture"),
            (b"\xff\xd8\xff\xe0 cut off", 422, "damaged"),
            (samples.encoded(samples.quarters(200, 200), "PNG"), 422, "too_small"),
            (b"\xff\xd8\xff" + bytes(25 * 1024 * 1024), 413, "too_large"),
        ],
    )
    def test_refuses_bad_pictures(
        self, owner: ApiMerchant, content: bytes, status: int, code: str
    ) -> None:
        before = owner.holdings
        fields = {"tool": "background-removal", "image": upload(content)}

        body = assert_refused(owner.post_form("generations", fields), status, code)

        assert body["field"] == "image"
        assert owner.holdings == before

    def test_refuses_more_pictures_than_the_tool_takes(self, owner: ApiMerchant) -> None:
        before = owner.holdings
        two = {"tool": "background-removal", "image": [upload(), upload()]}
        fifteen = {"tool": "product-placement", "image": [upload(b"x") for _ in range(15)]}

        assert_refused(owner.post_form("generations", two), 422, "too_many_images")
        assert_refused(owner.post_form("generations", fifteen), 422, "invalid_request")
        assert owner.holdings == before

    def test_refuses_two_sources_and_strange_files(self, owner: ApiMerchant) -> None:
        before = owner.holdings
        both = CUT_OUT | {"image": upload()}
        named_wrong = CUT_OUT | {"picture": upload()}

        assert_refused(owner.post_form("generations", both), 422, "two_sources")
        body = assert_refused(owner.post_form("generations", named_wrong), 422, "invalid_request")
        assert body["details"][0]["field"] == "picture"
        assert owner.holdings == before

    @pytest.mark.parametrize("product_id", [LAMP, BARE, "gid://shopify/Product/0", "1' OR '1"])
    def test_refuses_products_that_the_store_has_not(
        self, owner: ApiMerchant, product_id: str
    ) -> None:
        before = owner.holdings

        answer = owner.post("generations", CUT_OUT | {"product_id": product_id})

        assert_refused(answer, 404, "unknown_product")
        assert owner.holdings == before

    def test_says_needed_available_and_short_by(self, owner: ApiMerchant) -> None:
        ledger.spend(owner.account.pk, 90, "most")
        before = owner.holdings

        answer = owner.post("generations", CUT_OUT)

        body = assert_refused(answer, 402, "insufficient_credits")
        assert (body["needed"], body["available"], body["short_by"]) == (20, 10, 10)
        assert owner.holdings == before
        ledger.add_package(owner.account.pk, 500, "pkg")
        assert owner.post("generations", CUT_OUT).status_code == 201

    @pytest.mark.parametrize(
        "changes", [{"prompt": "another"}, {"product_id": LAMP}, {"resolution": "2K"}]
    )
    def test_refuses_a_key_that_was_used_for_something_else(
        self, owner: ApiMerchant, changes: dict[str, Any]
    ) -> None:
        owner.post("generations", CUT_OUT)
        before = owner.holdings

        answer = owner.post("generations", CUT_OUT | changes)

        assert_refused(answer, 409, "idempotency_key_conflict")
        assert owner.holdings == before

    def test_refuses_another_picture_under_a_used_key(self, owner: ApiMerchant) -> None:
        fields = {"tool": "background-removal"}
        owner.post_form("generations", fields | {"image": upload()})
        before = owner.holdings
        other = upload(samples.encoded(samples.see_through(), "PNG"))

        answer = owner.post_form("generations", fields | {"image": other})

        assert_refused(answer, 409, "idempotency_key_conflict")
        assert owner.holdings == before

    def test_refuses_other_kinds_of_bodies(self, owner: ApiMerchant) -> None:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
            answer = owner.post("generations", "tool=background-removal", content_type=kind)
            assert_refused(answer, 415, "unsupported_media_type")

    def test_refuses_multipart_that_cannot_be_read(self, owner: ApiMerchant) -> None:
        for kind in ("multipart/form-data", "multipart/form-data; boundary=ü"):
            answer = owner.post("generations", b"--x", content_type=kind)
            assert_refused(answer, 422, "invalid_request")

    def test_refuses_bodies_that_are_too_large(self, owner: ApiMerchant) -> None:
        json_body = CUT_OUT | {"prompt": "x" * 3 * 1024 * 1024}
        assert_refused(owner.post("generations", json_body), 413, "too_large")
        multipart = {
            "content_type": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(10**9),
        }
        assert_refused(owner.post("generations", b"--x--", **multipart), 413, "too_large")

    def test_says_when_the_store_does_not_answer(self, owner: ApiMerchant, settings) -> None:
        before = owner.holdings
        settings.PRODUCT_SOURCE = "tests.api.storefront.ClosedStorefront"
        products._source.cache_clear()

        body = assert_refused(owner.post("generations", CUT_OUT), 503, "store_unavailable")

        assert body["message"] == "The store does not answer. Try again in a minute."
        assert owner.holdings == before

    def test_says_nothing_of_a_defect_but_that_there_is_one(
        self, owner: ApiMerchant, settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        before = owner.holdings
        settings.PRODUCT_SOURCE = "tests.api.storefront.BrokenStorefront"
        products._source.cache_clear()

        answer = owner.post("generations", CUT_OUT)

        assert_refused(answer, 500, "server_error")
        assert "ZeroDivision" not in answer.content.decode()
        assert "ZeroDivisionError" in caplog.text
        assert owner.holdings == before


class TestAddresses:
    @pytest.mark.parametrize(
        "path", ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v1/balance/", "/api/v2/balance",
                 "/api/v1/generations/7", "/api/v1/docs"],
    )  # fmt: skip
    def test_knows_nothing_elsewhere(self, owner: ApiMerchant, settings, path: str) -> None:
        for settings.DEBUG in (False, True):
            assert_refused(owner.client.get(path, headers=owner.headers), 404, "not_found")
            assert_refused(Client().get(path), 404, "not_found")

    def test_says_which_methods_an_address_takes(self, owner: ApiMerchant) -> None:
        taken: dict[str, set[str]] = {}
        for method, path in routes():
            taken.setdefault(path, set()).add(method)
        every = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"}
        for path, methods in taken.items():
            for other in every - methods:
                answer = owner.client.generic(other, path, headers=owner.headers)
                if other == "HEAD":
                    assert answer.status_code == 405
                else:
                    assert_refused(answer, 405, "method_not_allowed")
                assert set(answer["Allow"].split(", ")) == methods
        document = owner.client.post("/api/v1/openapi.json")
        assert_refused(document, 405, "method_not_allowed")

    def test_lets_nobody_keep_or_frame_an_answer(self, owner: ApiMerchant) -> None:
        answer = owner.get("balance")

        assert answer["Cache-Control"] == "no-store"
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"

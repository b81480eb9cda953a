"""Asking for a run: the tool page, its price, its refusals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from credits import ledger
from generations import products
from generations.engines import registry
from generations.media import decoding
from generations.media.reading import read_picture
from generations.models import Generation
from generations.runs import quote, request
from generations.runs.quote import Terms
from generations.runs.request import Order, Requester, place
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.generations.mug_store import TOOL, Callbacks, ask, stored_files, upload
from tests.merchants import Merchant, make_merchant

PICTURE = read_picture(samples.encoded(samples.quarters(), "JPEG"))


class TestAsking:
    def test_takes_the_price_and_keeps_the_run(self, owner: Merchant) -> None:
        response = ask(owner.client)

        assert response.status_code == 201
        run = Generation.objects.get()
        assert (run.state, run.price, run.surface) == ("queued", 20, "web")
        assert run.requested_by == owner.person
        assert run.spend is not None
        assert (run.spend.plan_delta, run.spend.tool) == (-20, "background-removal")
        assert run.spend.reference == str(run.pk)
        assert owner.total == 80

    def test_is_one_run_and_one_charge_for_a_double_click(self, owner: Merchant) -> None:
        first, second = ask(owner.client), ask(owner.client)

        assert (first.status_code, second.status_code) == (201, 201)
        assert Generation.objects.count() == 1
        assert owner.total == 80
        assert len(stored_files(owner.account.pk)) == 1

    def test_refuses_a_key_that_was_used_for_another_picture(self, owner: Merchant) -> None:
        ask(owner.client)

        response = ask(owner.client, image=upload(samples.see_through()))

        assert response.status_code == 409
        assert owner.total == 80

    def test_says_needed_available_and_short_by(self, owner: Merchant) -> None:
        ledger.spend(owner.account.pk, 90, "most")

        response = ask(owner.client)

        assert response.status_code == 402
        body = response.content.decode()
        assert "20 credits are needed and you have 10: 10 are missing" in body
        assert not Generation.objects.exists()
        assert not stored_files(owner.account.pk)
        assert owner.total == 10

    def test_sends_the_task_after_commit(
        self, owner: Merchant, django_capture_on_commit_callbacks: Callbacks, sent_jobs: list[str]
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            ask(owner.client)

        assert sent_jobs == [f"generations.run {Generation.objects.get().pk}"]

    def test_takes_a_photo_of_the_store(self, owner: Merchant) -> None:
        response = ask(owner.client, image="", photo="gid://shopify/Product/1 7")

        assert response.status_code == 201
        assert Generation.objects.get().product_title == "Enamel mug"

    @pytest.mark.parametrize(
        "photo", ["gid://shopify/Product/2 7", "gid://shopify/Product/1 8", "x"]
    )
    def test_refuses_a_photo_the_store_does_not_have(self, owner: Merchant, photo: str) -> None:
        response = ask(owner.client, image="", photo=photo)

        assert response.status_code == 422
        assert "no longer in the store" in response.content.decode()
        assert owner.total == 100

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"Hello, this is not a picture.", "not an image"),
            (samples.encoded(samples.quarters(200, 200), "PNG"), "256"),
            (samples.encoded(samples.see_through(), "PNG")[:2000], "damaged"),
            (b"", "empty"),
        ],
    )
    def test_refuses_a_bad_file_with_a_sentence_and_no_charge(
        self, owner: Merchant, content: bytes, sentence: str
    ) -> None:
        response = ask(owner.client, image=SimpleUploadedFile("a.jpg", content, "image/jpeg"))

        assert response.status_code == 422
        assert sentence in response.content.decode().lower()
        assert not Generation.objects.exists()
        assert owner.total == 100

    def test_finds_its_run_without_decoding_anything(
        self, owner: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask(owner.client)
        ledger.spend(owner.account.pk, 80, "the rest")
        monkeypatch.setattr(request, "read_picture", None)
        monkeypatch.setattr(registry, "LOCAL", {})

        response = ask(owner.client)

        assert response.status_code == 201
        assert Generation.objects.count() == 1
        assert owner.total == 0

    def test_looks_at_the_tool_then_the_balance_then_the_picture(
        self, owner: Merchant, engine: Engine
    ) -> None:
        damaged = samples.encoded(samples.see_through(), "PNG")[:2000]
        ledger.spend(owner.account.pk, 90, "most")

        answers = [
            owner.client.post(
                f"/dashboard/tools/{slug}",
                {"key": "k", "image": SimpleUploadedFile("a.png", damaged, "image/png")},
            )
            for slug in ("image-enhance", "background-removal")
        ]
        ledger.add_package(owner.account.pk, 10, "p")
        answers.append(ask(owner.client, image=SimpleUploadedFile("a.png", damaged, "image/png")))

        assert [answer.status_code for answer in answers] == [422, 402, 422]
        assert "This tool comes later" in answers[0].content.decode()
        assert "20 credits are needed and you have 10" in answers[1].content.decode()
        assert "damaged" in answers[2].content.decode()
        assert owner.total == 20

    def test_asks_for_a_picture(self, owner: Merchant) -> None:
        response = ask(owner.client, image="")

        assert response.status_code == 422
        assert "Choose a product photo or upload an image." in response.content.decode()

    def test_starts_and_charges_no_tool_that_comes_later(
        self, owner: Merchant, engine: Engine
    ) -> None:
        for slug in ("image-enhance", "veo-t2v", "chat-assistant", "ai-shadowing"):
            response = owner.client.post(
                f"/dashboard/tools/{slug}", {"key": slug, "image": upload()}
            )

            assert response.status_code == 422
        assert not Generation.objects.exists()
        assert owner.total == 100

    def test_works_without_scripts(self, owner: Merchant) -> None:
        response = owner.client.post(TOOL, {"key": "k", "image": upload()})

        run = Generation.objects.get()
        assert response.status_code == 302
        assert response["Location"] == f"/dashboard/runs/{run.pk}"

    def test_needs_the_csrf_token_on_the_web(self, owner: Merchant) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner.person)

        assert ask(client).status_code == 403
        assert owner.total == 100

    def test_shows_the_page_when_the_store_does_not_answer(
        self, owner: Merchant, settings: object
    ) -> None:
        settings.PRODUCT_SOURCE = "tests.generations.mug_store.ClosedStore"  # type: ignore[attr-defined]
        products._source.cache_clear()

        body = owner.client.get(TOOL).content.decode()

        assert "The store does not answer." in body
        assert "Or upload an image" in body


def _press_together(times: int, requester: Requester, order: Order) -> list[bool]:
    """Place the order under one key in so many threads at once; which of them made a new run."""
    created: list[bool] = []
    barrier = threading.Barrier(times)

    def press() -> None:
        barrier.wait()
        try:
            created.append(place(requester, order, "once")[1])
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(created)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_requests_with_one_key_are_one_run_and_one_charge() -> None:
    merchant = make_merchant("Olivia")
    picture = read_picture(samples.encoded(samples.quarters(), "JPEG"))
    order = Order("background-removal", uploads=(picture,))
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")

    assert _press_together(20, requester, order) == [False] * 19 + [True]
    assert merchant.total == 80
    assert len(stored_files(merchant.account.pk)) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_free_run_is_one_run_for_one_key_too() -> None:
    merchant = make_merchant("Olivia")
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")

    order = Order("nano-banana-t2i", resolution="1K", prompt="A mug")
    created = _press_together(8, requester, order)

    assert created == [False] * 7 + [True]
    assert Generation.objects.get().price == 0
    assert merchant.total == 100


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(Order("background-removal", uploads=(PICTURE,)), id="the last credits"),
        pytest.param(Order("nano-banana-t2i", "1K", prompt="A mug"), id="the one free run"),
    ],
)
def test_the_second_of_one_key_is_not_refused_for_what_the_first_took(
    owner: Merchant, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.spend(owner.account.pk, 80, "all but one run")
    requester = Requester(owner.account.pk, owner.person.pk, "web")
    firsts: list[Generation] = []
    check = quote.check

    def first_is_quicker(order: Order) -> Terms:
        monkeypatch.setattr(request, "check", check)
        firsts.append(place(requester, order, "once")[0])
        return check(order)

    monkeypatch.setattr(request, "check", first_is_quicker)

    assert place(requester, order, "once") == (firsts[0], False)
    assert Generation.objects.count() == 1


def test_what_the_balance_pays_no_more_after_a_wait_is_not_decoded(
    owner: Merchant, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many uploads at once, which wait for each other, one balance pays a few."""
    decoded = Mock(side_effect=AssertionError("decoded"))

    @contextmanager
    def late(account_id: int) -> Iterator[bool]:
        ledger.spend(account_id, 90, "another one")
        yield True

    monkeypatch.setattr(decoding, "turns", Mock(take=late))
    monkeypatch.setattr(decoding, "ask", decoded)

    answer = ask(owner.client)

    assert answer.status_code == 402
    assert not decoded.called
    assert not Generation.objects.exists()
    assert owner.total == 10

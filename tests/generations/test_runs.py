"""Runs through the public door: the tool page, the task, the history, the files."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core import signing
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import OperationalError
from PIL import Image

from credits import ledger
from credits import queries as credit_queries
from credits.models import LedgerEntry, RestorationCase
from credits.signals import account_erased, account_suspended
from ecomvance_app.celery import app
from generations import actions, files, products, tasks
from generations.engines import routing
from generations.engines.base import ContentPolicyError, Job, PlatformError, ProviderError, Result
from generations.models import Generation, Picture
from generations.pictures import read_picture
from tests.generations import sample_pictures as samples
from tests.merchants import Merchant, make_merchant

TOOL = "/dashboard/tools/background-removal"
Callbacks = Callable[..., AbstractContextManager[list[Callable[[], None]]]]


@dataclass(frozen=True)
class _Photo:
    id: str
    url: str = "/static/img/mark.svg"
    alt: str = "A mug"


@dataclass(frozen=True)
class _Product:
    id: str
    title: str
    photos: tuple[_Photo, ...]


class OneMug:
    """A store with one product, as an account's product source."""

    mug = _Product("gid://shopify/Product/1", "Enamel mug", (_Photo("7"),))

    def list_products(self, account_id: int, search: str = "") -> list[_Product]:
        return [self.mug]

    def get_product(self, account_id: int, product_id: str) -> _Product:
        if product_id != self.mug.id:
            raise LookupError(product_id)
        return self.mug

    def read_photo(self, account_id: int, product_id: str, photo_id: str) -> bytes:
        if photo_id != "7":
            raise LookupError(photo_id)
        return samples.encoded(samples.quarters(), "JPEG")

    def read_preview(self, url: str) -> bytes:
        return samples.encoded(samples.quarters(), "JPEG")


class ClosedStore(OneMug):
    """A store that does not answer."""

    def list_products(self, account_id: int, search: str = "") -> list[_Product]:
        raise ConnectionError("The store does not answer. Try again in a minute.")


@pytest.fixture(autouse=True)
def store(settings: object) -> Iterator[None]:
    settings.PRODUCT_SOURCE = f"{__name__}.OneMug"  # type: ignore[attr-defined]
    products._source.cache_clear()
    yield
    products._source.cache_clear()


def upload(image: Image.Image | None = None, name: str = "mug.png") -> SimpleUploadedFile:
    content = samples.encoded(image or samples.quarters(), "PNG")
    return SimpleUploadedFile(name, content, "image/png")


def ask(client: Client, key: str = "k1", **data: object) -> HttpResponse:
    """Press the run button, as htmx does."""
    form = {"key": key, "image": upload()} | data
    return client.post(TOOL, form, headers={"HX-Request": "true"})  # type: ignore[return-value]


def stored_files(account_id: int) -> list[str]:
    """The pictures of an account in storage, without their previews."""
    folder = f"accounts/{account_id}"
    names = default_storage.listdir(folder)[1] if default_storage.exists(folder) else []
    return [name for name in names if "preview" not in name]


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
        assert "20 credits are needed and 10 are available: 10 are missing" in body
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
            (b"Hello, this is not a picture.", "not a picture"),
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

    def test_asks_for_a_picture(self, owner: Merchant) -> None:
        response = ask(owner.client, image="")

        assert response.status_code == 422
        assert "Choose a product photo or upload a picture." in response.content.decode()

    def test_starts_and_charges_no_tool_that_comes_later(self, owner: Merchant) -> None:
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
        settings.PRODUCT_SOURCE = f"{__name__}.ClosedStore"  # type: ignore[attr-defined]
        products._source.cache_clear()

        body = owner.client.get(TOOL).content.decode()

        assert "The store does not answer." in body
        assert "Or upload a picture" in body


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_requests_with_one_key_are_one_run_and_one_charge() -> None:
    merchant = make_merchant("Olivia")
    picture = read_picture(samples.encoded(samples.quarters(), "JPEG"))
    order = actions.Order("background-removal", pictures=(picture,))
    requester = actions.Requester(merchant.account.pk, merchant.person.pk, "web")
    created: list[bool] = []
    barrier = threading.Barrier(20)

    def press() -> None:
        barrier.wait()
        try:
            created.append(actions.request(requester, order, "once")[1])
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(created) == [False] * 19 + [True]
    assert merchant.total == 80
    assert len(stored_files(merchant.account.pk)) == 1


class TestWorking:
    def test_cuts_the_product_out(self, owner: Merchant, photographs: Path) -> None:
        reason = routing.unavailable_reason("background-removal")
        if reason:
            pytest.skip(f"{reason} Run `manage.py fetch_weights` (scripts/test does).")
        cup = Image.open(photographs / "coffee.png")
        ask(owner.client, image=upload(cup))
        run = Generation.objects.get()

        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert (run.state, run.outcome, run.engine, run.label) == (
            "succeeded", "delivered", "local", "real",
        )  # fmt: skip
        output = run.pictures.get(role=Picture.Role.OUTPUT)
        with default_storage.open(output.file) as file, Image.open(file) as image:
            assert (image.mode, image.size) == ("RGBA", cup.size)
        assert owner.total == 80

    def test_runs_once_however_often_the_message_comes(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = Generation.objects.get()

        for _ in range(3):
            tasks.run(generation_id=str(run.pk))

        assert engine.runs == 1
        assert run.pictures.filter(role=Picture.Role.OUTPUT).count() == 1

    @pytest.mark.parametrize(
        ("error", "outcome", "cases"),
        [
            (ProviderError("The image service failed."), "provider_error", 0),
            (ContentPolicyError("Refused by the rules."), "content_policy", 0),
            (PlatformError("Weights are missing."), "platform_error", 1),
        ],
    )
    def test_a_failure_ends_the_run_by_the_documents_rule(
        self, owner: Merchant, engine: Engine, error: Exception, outcome: str, cases: int
    ) -> None:
        engine.error = error
        ask(owner.client)
        run = Generation.objects.get()

        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("failed", outcome)
        assert RestorationCase.objects.count() == cases
        assert owner.total == 80
        assert str(error) in owner.client.get(f"/dashboard/runs/{run.pk}").content.decode()

    def test_an_unforeseen_error_is_tried_again_and_then_ours(
        self, owner: Merchant, engine: Engine
    ) -> None:
        engine.error = RuntimeError("boom")
        ask(owner.client)
        run = Generation.objects.get()

        tasks.run(generation_id=str(run.pk))
        run.refresh_from_db()
        assert run.state == "queued"
        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert (run.state, run.outcome, run.attempts) == ("failed", "platform_error", 2)
        assert RestorationCase.objects.get().spend == run.spend
        assert "boom" not in run.error


class TestHealing:
    def test_takes_orders_while_the_broker_is_away_and_sends_them_later(
        self,
        owner: Merchant,
        django_capture_on_commit_callbacks: Callbacks,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def away(*_arguments: object, **_options: object) -> None:
            raise OperationalError("Connection refused")

        with monkeypatch.context() as outage, django_capture_on_commit_callbacks(execute=True):
            outage.setattr(app, "send_task", away)
            response = ask(owner.client)
        assert response.status_code == 201
        Generation.objects.update(enqueued_at=timezone.now() - timedelta(seconds=90))
        sent: list[str] = []
        monkeypatch.setattr(app, "send_task", lambda name, **_options: sent.append(name))

        with django_capture_on_commit_callbacks(execute=True):
            tasks.sweep()

        assert sent == ["generations.run"]
        assert owner.total == 80

    def test_sends_a_run_again_that_waits_too_long(
        self, owner: Merchant, django_capture_on_commit_callbacks: Callbacks, sent_jobs: list[str]
    ) -> None:
        ask(owner.client)
        Generation.objects.update(enqueued_at=timezone.now() - timedelta(seconds=61))

        with django_capture_on_commit_callbacks(execute=True):
            tasks.sweep()
            tasks.sweep()

        assert sent_jobs == [f"generations.run {Generation.objects.get().pk}"]

    def test_a_run_whose_worker_died_is_worked_off_without_a_second_charge(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        assert actions.start(str(run.pk)) is not None
        Generation.objects.update(lease_until=timezone.now())

        tasks.sweep()
        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert (run.state, run.attempts) == ("succeeded", 2)
        assert owner.total == 80

    def test_a_run_that_kills_every_worker_ends_as_our_error(self, owner: Merchant) -> None:
        ask(owner.client)
        run = Generation.objects.get()
        for _ in range(actions.MAX_ATTEMPTS):
            assert actions.start(str(run.pk)) is not None
            Generation.objects.update(lease_until=timezone.now())
            tasks.sweep()

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("failed", "platform_error")
        assert RestorationCase.objects.count() == 1

    def test_a_worker_that_lost_its_run_delivers_nothing(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        slow = actions.start(str(Generation.objects.get().pk))
        assert slow is not None
        Generation.objects.update(lease_until=timezone.now())
        tasks.sweep()
        tasks.run(generation_id=str(slow.pk))

        assert not actions.extend_lease(slow)
        assert not actions.succeed(slow, engine.result)
        assert not actions.fail(slow, "timeout", "late")
        assert slow.pictures.filter(role=Picture.Role.OUTPUT).count() == 1
        assert len(stored_files(owner.account.pk)) == 2


class TestCancelling:
    def test_gives_back_what_had_not_begun(self, owner: Merchant) -> None:
        ask(owner.client)
        run = Generation.objects.get()

        owner.client.post(f"/dashboard/runs/{run.pk}/cancel")

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("cancelled", "cancelled_in_queue")
        assert owner.total == 100
        assert LedgerEntry.objects.get(kind="restore").restores == run.spend

    def test_keeps_the_credits_of_a_run_that_had_begun(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)
        run = actions.start(str(Generation.objects.get().pk))
        assert run is not None

        owner.client.post(f"/dashboard/runs/{run.pk}/cancel")
        delivered = actions.succeed(run, engine.result)

        run.refresh_from_db()
        assert (run.state, run.outcome) == ("cancelled", "user_cancelled")
        assert not delivered
        assert owner.total == 80

    def test_a_store_that_left_gets_back_what_waits(self, owner: Merchant) -> None:
        ask(owner.client)

        account_suspended.send(sender=None, account_id=owner.account.pk)

        assert Generation.objects.get().outcome == "cancelled_in_queue"
        assert owner.total == 100


class TestOtherAccounts:
    def test_see_nothing_of_a_run(self, owner: Merchant, second_shop: Merchant) -> None:
        ask(owner.client)
        run = Generation.objects.get()

        for path in ("", "/status"):
            assert second_shop.client.get(f"/dashboard/runs/{run.pk}{path}").status_code == 404
        assert second_shop.client.post(f"/dashboard/runs/{run.pk}/cancel").status_code == 404
        assert str(run.pk) not in second_shop.client.get("/dashboard/history").content.decode()
        run.refresh_from_db()
        assert run.state == "queued"

    def test_a_run_that_never_was_is_404(self, owner: Merchant) -> None:
        assert owner.client.get(f"/dashboard/runs/{uuid.uuid4()}").status_code == 404

    def test_a_stranger_without_an_account_is_refused(self, stranger: Client) -> None:
        assert stranger.get("/dashboard/").status_code == 403

    def test_nobody_signed_in_is_sent_to_sign_in(self, client: Client, db: None) -> None:
        response = client.get("/dashboard/history")

        assert response.status_code == 302
        assert response["Location"].startswith("/dashboard/sign-in/login/")


class TestFiles:
    def test_are_served_by_a_signed_link_only(self, owner: Merchant, client: Client) -> None:
        ask(owner.client)
        picture = Picture.objects.get(role=Picture.Role.INPUT)

        response = client.get(files.link(picture, download=True))

        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        assert hashlib.sha256(content).hexdigest() == picture.sha256
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert client.get(f"/files/{picture.pk}").status_code == 404
        assert client.get(files.link(picture)[:-1] + "x").status_code == 404

    def test_links_end_after_a_quarter_of_an_hour(self, owner: Merchant, client: Client) -> None:
        ask(owner.client)
        link = files.link(Picture.objects.get(role=Picture.Role.INPUT))

        with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
            assert client.get(link).status_code == 404

    def test_go_with_the_prompts_when_a_store_is_forgotten(self, owner: Merchant) -> None:
        ask(owner.client, image="", photo="gid://shopify/Product/1 7")

        answers = account_erased.send(sender=None, account_id=owner.account.pk)

        assert {"pictures": 1, "runs": 1} in [dict(erased or {}) for _receiver, erased in answers]
        run = Generation.objects.get()
        assert (run.product_title, run.requested_by, run.price) == ("", None, 20)
        assert stored_files(owner.account.pk) == []


class TestProductPhotos:
    def test_come_from_our_own_address(self, owner: Merchant, client: Client) -> None:
        [address] = re.findall(
            r'src="(/product-photos/[^"]+)"', owner.client.get(TOOL).content.decode()
        )

        response = client.get(address)

        assert response["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(response.content)) as image:
            assert image.size == (320, 213)

    def test_are_fetched_for_signed_addresses_only(self, owner: Merchant, client: Client) -> None:
        forged = signing.Signer(salt="another").sign_object("https://cdn.shopify.com/x.png")

        assert client.get(f"/product-photos/{forged}").status_code == 404


def test_history_pages_through_everything_once(owner: Merchant) -> None:
    ledger.add_package(owner.account.pk, 2000, "p")
    for number in range(60):
        ask(owner.client, key=f"k{number}")
    seen: list[str] = []
    query = ""
    while True:
        body = owner.client.get(f"/dashboard/history{query}").content.decode()
        seen += [str(run.pk) for run in Generation.objects.all() if f"/runs/{run.pk}" in body]
        if "?from=" not in body:
            break
        query = body.split("/dashboard/history")[-1].split('"')[0].replace("&amp;", "&")

    assert len(seen) == len(set(seen)) == 60


def test_history_asks_the_same_number_of_questions_for_any_length(
    owner: Merchant,
) -> None:
    ledger.add_package(owner.account.pk, 2000, "p")
    counts = []
    for number in range(21):
        ask(owner.client, key=f"k{number}")
        if number in (1, 20):
            with CaptureQueriesContext(connection) as captured:
                owner.client.get("/dashboard/history")
            counts.append(len(captured))

    assert counts[0] == counts[1]


def test_balance_after_the_page_is_what_the_ledger_says(owner: Merchant) -> None:
    ask(owner.client)

    answer = owner.client.get("/dashboard/balance").json()

    balance = credit_queries.get_balance(owner.account.pk)
    assert answer == {
        "plan": 80, "package": 0, "total": 80, "version": balance.version, "low": False,
        "resets_at": balance.resets_at and balance.resets_at.isoformat(),
    }  # fmt: skip


class Engine:
    """An engine of the test's own behind the real seam: counts, answers or fails as told."""

    name = "local"

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None
        content = samples.encoded(samples.see_through(), "PNG")
        self.result = Result(content, "image/png", 400, 400, "local", "test-model", "real")

    def unavailable_reason(self) -> str | None:
        return None

    def run(self, job: Job) -> Result:
        self.runs += 1
        if self.error:
            raise self.error
        return self.result


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setitem(routing._ROUTES, "background-removal", engine)
    return engine


@pytest.fixture
def sent_jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names and ids of the jobs that were sent."""
    sent: list[str] = []

    def send(name: str, kwargs: dict[str, str], **_options: object) -> None:
        sent.append(" ".join([name, *kwargs.values()]))

    monkeypatch.setattr(app, "send_task", send)
    return sent

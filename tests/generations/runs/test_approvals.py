"""What is above the spending limit waits for an owner: no run and no charge before, lapsed after a day."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone

from credits import ledger
from credits.accounts import limits, notices, recipients
from credits.models import LedgerEntry, Notice
from credits.signals import account_erased, account_suspended
from ecomvance_app import clock
from generations import catalog, tasks
from generations.media import decoding
from generations.models import Approval, ApprovalPicture, Batch, Generation
from generations.runs import approvals, batches, lifecycle
from generations.runs.orders import Order, Requester
from shopify_auth.models import Membership
from tests.at_once import at_once
from tests.generations import sample_pictures
from tests.generations.mug_store import TOOL, ask, upload
from tests.merchants import make_merchant, make_person
from tests.products import photo_content

PRICE = 20  # Background removal.

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia():
    olivia = make_merchant("Olivia")
    limits.set_limit(olivia.account.pk, PRICE - 1)
    return olivia


def member(olivia, name="Mia", role="maker"):
    client = Client()
    person = make_person(name)
    Membership.objects.create(person=person, account=olivia.account, role=role)
    client.force_login(person)
    return client


@pytest.fixture
def mia(olivia):
    return member(olivia)


def page(approval=None):
    return f"/dashboard/approvals/{(approval or Approval.objects.get()).pk}"


def press(client, action="approve", price=PRICE, **options):
    return client.post(page(), {"action": action, "price": price}, **options)


def files(account):
    folder = f"accounts/{account.pk}"
    return default_storage.listdir(folder)[1] if default_storage.exists(folder) else []


def nothing_ran(olivia):
    return not Generation.objects.exists() and olivia.total == 100


# --- Asking --------------------------------------------------------------------------------------


def test_a_makers_run_above_the_limit_is_kept_and_not_charged(olivia, mia):
    answer = ask(mia)
    assert answer.status_code == 202
    assert "An owner has to approve this" in answer.content.decode()
    assert page() in answer.content.decode()
    assert nothing_ran(olivia)
    assert "1 run above your spending limit waits" in olivia.client.get("/dashboard/").text
    assert "Background Removal" in olivia.client.get("/dashboard/approvals").text


def test_an_owner_is_not_asked(olivia):
    assert ask(olivia.client).status_code == 201
    assert not Approval.objects.exists()


def test_without_scripts_the_request_has_its_page(olivia, mia):
    answer = mia.post(TOOL, {"key": "k", "image": upload()})
    assert answer["Location"] == page()


def test_two_clicks_are_one_request(olivia, mia):
    ask(mia)
    assert ask(mia).status_code == 202
    assert Approval.objects.count() == 1
    other = ask(mia, image=upload(sample_pictures.quarters(300), "other.png"))
    assert other.status_code == 409
    assert Approval.objects.count() == 1


def test_what_could_not_be_started_is_not_kept(olivia, mia):
    answer = mia.post(TOOL, {"key": "k"}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    broken = upload()
    broken.size = 3
    broken.file.truncate(3)
    assert ask(mia, image=broken).status_code == 422
    assert not Approval.objects.exists()
    assert not files(olivia.account)


def test_what_cannot_be_paid_is_not_decoded(olivia, mia, monkeypatch):
    ledger.spend(olivia.account.pk, 90, "before")
    monkeypatch.setattr(decoding, "ask", None)
    answer = ask(mia)
    assert answer.status_code == 402
    assert "10 are missing" in answer.text
    assert not Approval.objects.exists()


def test_where_so_many_wait_no_picture_is_decoded(olivia, mia, monkeypatch):
    monkeypatch.setattr(approvals, "MOST_WAITING", 1)
    ask(mia)
    monkeypatch.setattr(decoding, "ask", None)
    assert "wait for an owner already" in ask(mia, key="k2").text


def test_a_key_that_has_asked_runs_nothing_once_the_limit_is_gone(olivia, mia):
    ask(mia)
    limits.set_limit(olivia.account.pk, None)
    again = ask(mia)
    assert again.status_code == 202
    assert page() in again.text
    assert nothing_ran(olivia)


def test_so_many_wait_and_no_more(olivia, mia, monkeypatch):
    monkeypatch.setattr(approvals, "MOST_WAITING", 1)
    ask(mia)
    answer = ask(mia, key="k2")
    assert (answer.status_code, Approval.objects.count()) == (422, 1)
    assert len(files(olivia.account)) == 2


def test_a_mail_says_so_and_its_link_only_opens_the_page(olivia, mia, mailoutbox):
    recipients.add_confirmed(olivia.account.pk, "olivia@example.com")
    ask(mia)
    notices.mail(Notice.objects.get().pk)
    [sent] = mailoutbox
    assert "Mia wants to run Background Removal for 20 credits" in sent.body
    assert f"http://localhost:8000{page()}" in sent.body
    opened = olivia.client.get(page())
    assert (opened.status_code, nothing_ran(olivia)) == (200, True)
    assert "Approve · 20 credits" in " ".join(opened.text.split())
    assert Client().get(page()).status_code == 302


# --- Deciding ------------------------------------------------------------------------------------


def test_an_owners_press_starts_the_run_of_whoever_asked(olivia, mia):
    ask(mia)
    assert press(olivia.client).status_code == 302
    run = Generation.objects.get()
    assert (run.price, run.requested_by.name, olivia.total) == (PRICE, "Mia", 80)
    assert LedgerEntry.objects.get(kind="spend").actor == f"user:{run.requested_by_id}"
    kept = run.pictures.get()
    assert kept.name == "mug.png"
    assert default_storage.exists(kept.file)
    assert Approval.objects.get().decided_by == olivia.person
    assert f"/dashboard/runs/{run.pk}" in mia.get(page()).text


def test_pressed_twice_it_is_one_run(olivia, mia):
    ask(mia)
    press(olivia.client)
    assert press(olivia.client, headers={"HX-Request": "true"}).status_code == 200
    assert (Generation.objects.count(), olivia.total) == (1, 80)


def test_the_pictures_of_a_request_go_with_its_end(olivia, mia, django_capture_on_commit_callbacks):
    ask(mia)
    assert len(files(olivia.account)) == 2
    with django_capture_on_commit_callbacks(execute=True):
        press(olivia.client, "decline")
    assert files(olivia.account) == []
    assert not ApprovalPicture.objects.exists()
    assert "Declined by Olivia" in mia.get(page()).text
    assert press(olivia.client).status_code == 409
    assert nothing_ran(olivia)


def test_the_sweep_of_files_spares_what_waits(olivia, mia):
    ask(mia)
    for name in files(olivia.account):
        os.utime(default_storage.path(f"accounts/{olivia.account.pk}/{name}"), (0, 0))
    tasks.sweep_files()
    assert len(files(olivia.account)) == 2
    assert press(olivia.client).status_code == 302


def test_the_balance_is_that_of_the_press(olivia, mia):
    ask(mia)
    ledger.spend(olivia.account.pk, 90, "meanwhile")
    assert "so 10 are missing" in " ".join(olivia.client.get(page()).text.split())
    answer = press(olivia.client)
    assert answer.status_code == 402
    assert not Generation.objects.exists()
    ledger.add_package(olivia.account.pk, 500, "package")
    assert press(olivia.client).status_code == 302
    assert olivia.total == 490


def test_a_price_that_was_not_shown_is_not_charged(olivia, mia):
    ask(mia)
    answer = press(olivia.client, price=PRICE - 1)
    assert answer.status_code == 409
    assert "The price is now 20 credits" in answer.text
    assert nothing_ran(olivia)
    assert Approval.objects.get().state == "waiting"


@pytest.mark.parametrize("form", [{}, {"action": "approve"}, {"action": "x", "price": "20"}])
def test_a_press_that_says_nothing_does_nothing(olivia, mia, form):
    ask(mia)
    assert olivia.client.post(page(), form).status_code == 422
    assert nothing_ran(olivia)


@pytest.mark.parametrize("role", ["maker", "viewer"])
def test_only_owners_decide(olivia, mia, role):
    ask(mia)
    other = member(olivia, "Noa", role)
    for client in (mia, other):
        assert press(client).status_code == 403
        assert "Approve" not in client.get(page()).text
    assert nothing_ran(olivia)


def test_another_accounts_requests_are_not_found(olivia, mia):
    ask(mia)
    sam = make_merchant("Sam")
    assert sam.client.get(page()).status_code == 404
    assert press(sam.client).status_code == 404
    assert sam.client.post(f"{page()}/withdraw").status_code == 404
    assert "Background Removal" not in sam.client.get("/dashboard/approvals").text
    assert Approval.objects.get().state == "waiting"


def test_whoever_asked_takes_it_back_and_nobody_else(olivia, mia):
    ask(mia)
    assert member(olivia, "Noa").post(f"{page()}/withdraw").status_code == 404
    assert mia.post(f"{page()}/withdraw").status_code == 302
    assert press(olivia.client).status_code == 409
    assert nothing_ran(olivia)


def test_after_a_day_it_has_lapsed(olivia, mia, monkeypatch):
    ask(mia)
    tomorrow = timezone.now() + timedelta(hours=24, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert press(olivia.client).status_code == 409
    assert "lapsed" in olivia.client.get(page()).text
    assert "waits for an owner" not in olivia.client.get("/dashboard/").text
    tasks.sweep()
    assert Approval.objects.get().state == "lapsed"
    assert not ApprovalPicture.objects.exists()
    assert not Generation.objects.exists()


def test_a_product_that_is_gone_by_then_is_said(olivia, mia, monkeypatch):
    answer = mia.post(
        TOOL,
        {"key": "k", "photo": "gid://shopify/Product/1 7"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 202
    assert "Enamel mug" in olivia.client.get(page()).text

    def gone(*_args):
        raise LookupError

    with monkeypatch.context() as patch:
        patch.setattr("tests.generations.mug_store.OneMug.read_photo", gone)
        assert press(olivia.client).status_code == 422
    assert Approval.objects.get().state == "waiting"
    assert press(olivia.client).status_code == 302
    assert Generation.objects.get().product_title == "Enamel mug"


def ask_for_product(client):
    return client.post(
        TOOL, {"key": "k", "photo": "gid://shopify/Product/1 7"}, headers={"HX-Request": "true"}
    )


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_the_store_is_asked_for_its_photo(monkeypatch):
    olivia = make_merchant("Olivia")
    limits.set_limit(olivia.account.pk, PRICE - 1)
    ask_for_product(member(olivia))
    within = []

    def watched(*_args):
        within.append(connection.in_atomic_block)
        return photo_content()

    monkeypatch.setattr("tests.generations.mug_store.OneMug.read_photo", watched)
    assert press(olivia.client).status_code == 302
    assert within == [False]
    assert Approval.objects.get().run == Generation.objects.get()


def test_what_is_taken_back_while_an_owner_presses_is_not_charged(olivia, mia, monkeypatch):
    ask_for_product(mia)

    def taken_back(*_args):
        assert mia.post(f"{page()}/withdraw").status_code == 302
        return photo_content()

    monkeypatch.setattr("tests.generations.mug_store.OneMug.read_photo", taken_back)
    assert press(olivia.client).status_code == 409
    assert nothing_ran(olivia)
    assert Approval.objects.get().state == "withdrawn"


def test_a_store_that_leaves_takes_its_requests_along(olivia, mia):
    ask(mia)
    account_suspended.send(sender=None, account_id=olivia.account.pk, now=timezone.now())
    assert press(olivia.client).status_code == 409


def test_what_is_forgotten_is_forgotten(olivia, mia, django_capture_on_commit_callbacks):
    ask(mia)
    with django_capture_on_commit_callbacks(execute=True):
        account_erased.send(sender=None, account_id=olivia.account.pk)
    kept = Approval.objects.get()
    assert (kept.orders, kept.requested_by, kept.product_title) == ([], None, "")
    assert files(olivia.account) == []
    assert olivia.client.get(page()).status_code == 200


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_presses_at_once_one_starts_the_run():
    olivia = make_merchant("Olivia")
    requester = Requester(olivia.account.pk, olivia.person.pk, "web")
    order = Order("background-removal", uploads=(upload(),))
    approval = approvals.keep(requester, order, "k")
    runs = []

    def approve():
        found = approvals.approve(olivia.account.pk, approval.pk, olivia.person.pk, PRICE)
        runs.append(found.run)

    assert not at_once(approve, approve)
    assert runs[0] == runs[1] == Generation.objects.get()
    assert olivia.total == 80


# --- Batches -------------------------------------------------------------------------------------


def ask_for_batch(olivia, person, count=4, key="batch", **together):
    """What the page of a new batch does where its sum is above the limit."""
    orders = [
        Order(
            "ai-shadowing", "1K", uploads=(upload(sample_pictures.quarters(256 + n), f"{n}.png"),)
        )
        for n in range(count)
    ]
    requester = Requester(olivia.account.pk, person.pk, "web")
    how = batches.Together(**together)
    with pytest.raises(limits.ApprovalRequired):
        batches.place(requester, orders, key, together=how)
    return approvals.keep_batch(requester, orders, key, how)


@pytest.fixture
def max_(olivia):
    """Max, a maker in whose name batches are asked for."""
    person = make_person("Max")
    Membership.objects.create(person=person, account=olivia.account, role="maker")
    return person


def test_a_batch_above_the_limit_waits_by_its_sum(olivia, max_):
    ledger.add_package(olivia.account.pk, 500, "package")
    each = catalog.price("ai-shadowing", resolution="1K")
    approval = ask_for_batch(olivia, max_)
    assert approval.price == 4 * each
    assert ask_for_batch(olivia, max_) == approval
    with pytest.raises(ledger.KeyConflict):
        ask_for_batch(olivia, max_, count=3)
    assert not Batch.objects.exists()
    assert "AI Shadowing, a batch of 4" in olivia.client.get("/dashboard/approvals").text
    assert press(olivia.client, price=4 * each).status_code == 302
    batch = Batch.objects.get()
    assert (batch.total, batch.requested_by, olivia.total) == (4, max_, 600 - 4 * each)
    assert Generation.objects.filter(batch=batch).count() == 4
    sizes = [item.run.pictures.get().width for item in batch.items.order_by("position")]
    assert sizes == [256, 257, 258, 259]
    assert press(olivia.client, price=4 * each).status_code == 302
    assert Batch.objects.count() == 1


def test_of_a_batch_with_three_first_the_three_are_charged(olivia, max_):
    ledger.add_package(olivia.account.pk, 500, "package")
    each = catalog.price("ai-shadowing", resolution="1K")
    approval = ask_for_batch(olivia, max_, count=5, three_first=True)
    assert approval.price == 3 * each
    assert press(olivia.client, price=3 * each - 1).status_code == 409
    assert not Batch.objects.exists()
    assert press(olivia.client, price=3 * each).status_code == 302
    assert (Batch.objects.get().total, Generation.objects.count()) == (5, 3)


def test_a_batch_that_cannot_be_paid_is_not_begun(olivia, max_):
    ledger.add_package(olivia.account.pk, 150, "package")
    ask_for_batch(olivia, max_, count=5)
    ledger.spend(olivia.account.pk, 150, "meanwhile")
    assert press(olivia.client, price=9999).status_code == 402
    assert (Batch.objects.count(), olivia.total) == (0, 100)


def test_a_makers_press_on_the_page_of_a_batch_asks_an_owner(olivia, mia):
    ledger.add_package(olivia.account.pk, 500, "package")
    form = {"key": "k", "resolution": "1K", "image": [upload() for _one in range(4)]}
    answer = mia.post("/dashboard/batches/new", form, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == page()
    assert not Batch.objects.exists()
    assert press(olivia.client, price=200).status_code == 302
    batch = Batch.objects.get()
    assert f"/dashboard/batches/{batch.pk}" in olivia.client.get(page()).text


# --- What is told of its end ---------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "mails"), [(["batch_done"], 1), ([], 0)])
def test_the_end_of_a_batch_is_one_of_the_kinds_of_mails(olivia, max_, wanted, mails, mailoutbox):
    recipients.add_confirmed(olivia.account.pk, "olivia@example.com")
    notices.choose(olivia.account.pk, wanted)
    ledger.add_package(olivia.account.pk, 500, "package")
    batch, _new = batches.place(
        Requester(olivia.account.pk, max_.pk, "web", is_owner=True),
        [Order("ai-shadowing", "1K", uploads=(upload(),)) for _one in range(2)],
        "batch",
    )
    for run in Generation.objects.filter(batch=batch):
        lifecycle.fail(lifecycle.start(str(run.pk)), "provider_error", "No answer.")
    for _again in range(2):
        tasks.batch_done(batch_id=str(batch.pk))
    told = Notice.objects.filter(kind="batch_done")
    assert told.count() == mails
    for notice in told:
        notices.mail(notice.pk)
        assert f"/dashboard/batches/{batch.pk}" in mailoutbox[0].body

"""All of an account's data as a zip: made by a worker, for its owners, for a day."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from credits.models import LedgerEntry
from credits.signals import account_erased
from generations import tasks
from generations.assist import answers
from generations.engines import registry
from generations.engines.local.guide import Guide
from generations.media import storage
from generations.models import DataExport, Generation, Picture
from generations.results import data_exports
from shopify_auth.models import Membership
from tests.generations.mug_store import ask
from tests.merchants import make_merchant, make_person

PAGE = "/dashboard/settings/data"

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(engine):
    olivia = make_merchant("Olivia")
    ask(olivia.client)
    tasks.run(generation_id=str(Generation.objects.get().pk))
    ask(make_merchant("Sam").client)
    return olivia


def export(merchant):
    """Ask for one and let a worker make it."""
    assert merchant.client.post(PAGE, headers={"HX-Request": "true"}).status_code == 200
    tasks.export_data(export_id=str(DataExport.objects.latest("created_at").pk))


def link(merchant):
    [path] = re.findall(r'href="(/data-exports/[^"]+)"', merchant.client.get(PAGE).text)
    return path


def download(path):
    """What somebody gets who has nothing but the link."""
    answer: Any = Client().get(path)
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def test_the_zip_holds_ledger_runs_and_files(olivia):
    export(olivia)
    zipped = download(link(olivia))
    assert zipped.testzip() is None
    lines = list(csv.DictReader(io.StringIO(zipped.read("ledger.csv").decode("utf-8-sig"))))
    entries = LedgerEntry.objects.filter(account=olivia.account)
    assert [line["entry_type"] for line in lines] == list(
        entries.order_by("sequence").values_list("kind", flat=True)
    )
    [run] = json.loads(zipped.read("runs.json"))
    mine = Generation.objects.get(account=olivia.account)
    assert (run["id"], run["asked_by"], run["credits"]) == (str(mine.pk), "Olivia", 20)
    assert {lines[-1]["job_id"]} == {run["id"]}
    result = mine.pictures.get(role=Picture.Role.OUTPUT)
    assert len(run["files"]) == 2
    assert zipped.read(f"files/{mine.pk}/output-0.png") == storage.read(result)
    lists = ["ledger.csv", "runs.json", "conversations.json"]
    assert sorted(zipped.namelist()) == sorted([*lists, *run["files"]])


def test_talks_with_the_assistant_are_in_it(olivia, monkeypatch):
    monkeypatch.setitem(registry.LOCAL, "chat-assistant", Guide())
    answer = answers.ask(olivia.account, None, "", "What's my balance?", timezone.now())
    list(answer.events)
    export(olivia)
    [talk] = json.loads(download(link(olivia)).read("conversations.json"))
    assert talk["title"] == "What's my balance?"
    assert [one["role"] for one in talk["messages"]] == ["user", "assistant"]
    assert "You have 80 credits" in talk["messages"][1]["text"]


def test_an_empty_account_has_an_export_too():
    nina = make_merchant("Nina")
    export(nina)
    assert json.loads(download(link(nina)).read("runs.json")) == []


def test_the_page_says_where_it_stands(olivia):
    asked = olivia.client.post(PAGE, headers={"HX-Request": "true"}).text
    assert "being made" in asked
    assert 'hx-trigger="every 4s"' in asked
    assert "/data-exports/" not in asked
    olivia.client.post(PAGE)
    assert DataExport.objects.count() == 1
    tasks.export_data(export_id=str(DataExport.objects.get().pk))
    assert "Ready" in olivia.client.get(PAGE, headers={"HX-Request": "true"}).text
    assert olivia.client.post(PAGE).status_code == 422


def test_others_make_none_and_see_no_link(olivia):
    export(olivia)
    client = Client()
    mia = make_person("Mia")
    Membership.objects.create(person=mia, account=olivia.account, role="maker")
    client.force_login(mia)
    assert client.post(PAGE).status_code == 403
    page = client.get(PAGE).text
    assert "/data-exports/" not in page
    assert "Only owners export" in page


def test_a_forged_link_is_404(olivia):
    export(olivia)
    path = link(olivia)
    assert Client().get(path[:-2]).status_code == 404


def test_after_a_day_it_is_gone(olivia, django_capture_on_commit_callbacks):
    export(olivia)
    path, name = link(olivia), DataExport.objects.get().file
    DataExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(path).status_code == 410
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert not default_storage.exists(name)
    assert DataExport.objects.get().state == "expired"
    assert "/data-exports/" not in olivia.client.get(PAGE).text


def test_the_sweep_of_files_spares_it(olivia):
    export(olivia)
    name = DataExport.objects.get().file
    os.utime(default_storage.path(name), (0, 0))
    tasks.sweep_files()
    assert default_storage.exists(name)


def test_two_workers_make_it_once(olivia, monkeypatch):
    olivia.client.post(PAGE)
    wanted = str(DataExport.objects.get().pk)
    again = []
    write = data_exports._write

    def meanwhile(account, target):
        again.append(data_exports.make(wanted))
        write(account, target)

    monkeypatch.setattr(data_exports, "_write", meanwhile)
    assert data_exports.make(wanted)
    assert again == [False]
    assert not data_exports.make(wanted)


def test_a_lost_message_and_a_dead_worker_are_found(
    olivia, sent_jobs, django_capture_on_commit_callbacks
):
    def sent_by_a_sweep():
        sent_jobs.clear()
        with django_capture_on_commit_callbacks(execute=True):
            data_exports.sweep()
        return sent_jobs[:]

    olivia.client.post(PAGE)
    export = DataExport.objects.get()
    message = f"generations.export_data {export.pk}"
    assert sent_by_a_sweep() == []
    DataExport.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert sent_by_a_sweep() == [message]
    DataExport.objects.update(tried_at=timezone.now() - timedelta(minutes=29), attempts=2)
    assert sent_by_a_sweep() == []
    DataExport.objects.update(tried_at=timezone.now() - timedelta(minutes=31))
    assert sent_by_a_sweep() == [message]
    DataExport.objects.update(attempts=3)
    assert sent_by_a_sweep() == []
    export.refresh_from_db()
    assert export.state == "failed"
    assert "We could not make the export" in olivia.client.get(PAGE).text
    assert olivia.client.post(PAGE, headers={"HX-Request": "true"}).status_code == 200


def test_a_storage_that_is_away_is_tried_again(olivia, monkeypatch):
    olivia.client.post(PAGE)
    export = DataExport.objects.get()

    def away(*_args):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(data_exports, "_write", away)
        assert not data_exports.make(str(export.pk))
    export.refresh_from_db()
    assert (export.state, export.tried_at, export.attempts) == ("waiting", None, 1)
    assert data_exports.make(str(export.pk))


def test_a_file_that_is_gone_costs_the_others_nothing(olivia):
    picture = Picture.objects.filter(generation__account=olivia.account, role="input").get()
    default_storage.delete(picture.file)
    export(olivia)
    names = download(link(olivia)).namelist()
    assert len([name for name in names if name.startswith("files/")]) == 1


def test_what_is_forgotten_leaves_no_export(olivia, django_capture_on_commit_callbacks):
    export(olivia)
    name = DataExport.objects.get().file
    with django_capture_on_commit_callbacks(execute=True):
        account_erased.send(sender=None, account_id=olivia.account.pk)
    assert not default_storage.exists(name)
    assert not DataExport.objects.exists()

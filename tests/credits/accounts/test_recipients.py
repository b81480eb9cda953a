"""Who gets an account's mails: nobody who has not agreed by the link in a first mail."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from credits.accounts import recipients
from credits.models import AlertRecipient
from shopify_auth.models import Membership
from tests.merchants import make_merchant, make_person

PAGE = "/dashboard/settings"

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia():
    return make_merchant("Olivia")


def save(merchant, *addresses):
    form = {"recipients": "\n".join(addresses), "kinds": ["low", "zero"]}
    return merchant.client.post(PAGE, form, headers={"HX-Request": "true"})


def mailed(merchant):
    return [found.email for found in recipients.to_mail(merchant.account.pk)]


def link():
    [path] = re.findall(r"http://[^/]+(/dashboard/recipients/\S+)", mail.outbox[-1].body)
    return path


def test_a_new_address_agrees_by_the_button_behind_its_link(olivia):
    page = save(olivia, "shop@example.com").text
    assert "Waiting for an answer" in page
    assert mail.outbox[-1].to == ["shop@example.com"]
    assert "Olivia's store" in mail.outbox[-1].body
    stranger = Client()
    opened = stranger.get(link())
    assert "shop@example.com" in opened.text
    assert opened["Cache-Control"].count("no-store") == 1
    assert mailed(olivia) == []

    assert "You will get the emails" in stranger.post(link()).text
    assert mailed(olivia) == ["shop@example.com"]
    assert "Waiting for an answer" not in olivia.client.get(PAGE).text


def test_the_own_address_of_whoever_is_signed_in_is_confirmed_already(olivia):
    save(olivia, "Olivia@Example.com")
    assert mailed(olivia) == ["olivia@example.com"]
    assert not mail.outbox


def test_who_is_kept_is_not_asked_again(olivia):
    save(olivia, "shop@example.com")
    Client().post(link())
    save(olivia, "shop@example.com", "olivia@example.com")
    assert len(mail.outbox) == 1
    assert mailed(olivia) == ["olivia@example.com", "shop@example.com"] or mailed(olivia) == [
        "shop@example.com",
        "olivia@example.com",
    ]


def test_who_is_taken_out_has_to_agree_anew(olivia):
    save(olivia, "shop@example.com")
    old = link()
    Client().post(old)
    save(olivia, "")
    assert mailed(olivia) == []
    assert Client().post(old).status_code == 410
    AlertRecipient.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    save(olivia, "shop@example.com")
    assert mailed(olivia) == []
    assert len(mail.outbox) == 2


@pytest.mark.parametrize("path", ["/dashboard/recipients/nothing", "/dashboard/recipients/1:a:b"])
def test_a_link_that_nobody_sent_is_refused(path, db):
    for answer in (Client().get(path), Client().post(path)):
        assert answer.status_code == 410
        assert "This link does not work" in answer.text


def test_a_link_ends_after_a_week(olivia, monkeypatch):
    save(olivia, "shop@example.com")
    monkeypatch.setattr(recipients, "LINK_LIFE", timedelta(seconds=-1))
    assert Client().post(link()).status_code == 410
    assert mailed(olivia) == []


def test_nobodys_mailbox_is_filled_by_a_button(olivia):
    save(olivia, "shop@example.com")
    [asked] = AlertRecipient.objects.all()
    again = f"{PAGE}/recipients/{asked.pk}/ask"
    refused = olivia.client.post(again, headers={"HX-Request": "true"})
    assert "Try again in 10 minutes" in refused.text
    assert len(mail.outbox) == 1
    AlertRecipient.objects.update(asked_at=timezone.now() - timedelta(minutes=11))
    assert "on its way" in olivia.client.post(again, headers={"HX-Request": "true"}).text
    assert len(mail.outbox) == 2
    # Taking the address out and putting it in again does not start the count anew.
    save(olivia, "")
    assert "Try again in 10 minutes" in save(olivia, "shop@example.com").text
    assert len(mail.outbox) == 2


def test_an_account_asks_so_many_a_day(olivia, monkeypatch):
    monkeypatch.setattr(recipients, "MOST_ASKED_IN_A_DAY", 2)
    page = save(olivia, "a@example.com", "b@example.com", "c@example.com").text
    assert "Too many addresses were asked today" in page
    assert len(mail.outbox) == 2


def test_without_a_mail_server_the_settings_are_kept(olivia, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1
    assert "could not be sent" in save(olivia, "shop@example.com").text
    assert AlertRecipient.objects.get().email == "shop@example.com"


def test_who_is_removed_from_the_account_gets_no_more_mails(olivia):
    wendy = make_person("Wendy")
    member = Membership.objects.create(person=wendy, account=olivia.account, role="maker")
    recipients.add_confirmed(olivia.account.pk, "wendy@example.com")
    form = {"action": "remove", "member": member.pk}
    assert olivia.client.post("/dashboard/settings/people", form).status_code == 200
    assert mailed(olivia) == []

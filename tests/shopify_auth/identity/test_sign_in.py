"""Signing in on the web: limits, proxies, notices, and links to our own address."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.merchants import Merchant, make_person

PASSWORD = "correct horse"
LOGIN = "/dashboard/sign-in/login/"
EMAILS = "/dashboard/sign-in/email/"

pytestmark = pytest.mark.django_db


def sign_in(email: str, password: str = PASSWORD, **meta: str):
    return Client().post(LOGIN, {"login": email, "password": password}, **meta)


class TestLimits:
    def test_an_account_is_not_guessed_from_anywhere(self) -> None:
        make_person("Olivia")
        for n in range(5):
            sign_in("olivia@example.com", "wrong", REMOTE_ADDR=f"192.0.2.{n}")

        refused = sign_in("OLIVIA@example.com", REMOTE_ADDR="192.0.2.99")

        assert refused.status_code == 200
        assert "Too many" in refused.text

    def test_an_address_does_not_try_account_after_account(self) -> None:
        make_person("Olivia")
        for n in range(30):
            sign_in(f"merchant{n}@example.com", "wrong", REMOTE_ADDR="192.0.2.1")

        assert "Too many" in sign_in("olivia@example.com", REMOTE_ADDR="192.0.2.1").text
        assert sign_in("olivia@example.com", REMOTE_ADDR="192.0.2.2").status_code == 302

    def test_they_hold_without_redis(self, settings) -> None:
        away = settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}
        settings.CACHES = {"default": away}
        make_person("Olivia")
        shown = [sign_in("olivia@example.com", "wrong").text for _guess in range(6)]

        assert "Too many" in shown[5]
        assert "Too many" not in shown[4]

    def test_signing_in_counts_for_nothing(self) -> None:
        make_person("Olivia")
        for _day in range(40):
            assert sign_in("olivia@example.com").status_code == 302

    def test_it_is_over_after_a_quarter_of_an_hour(self, time_machine) -> None:
        make_person("Olivia")
        time_machine.move_to("2026-11-27T12:00:00Z", tick=False)
        for _guess in range(6):
            sign_in("olivia@example.com", "wrong")
        time_machine.move_to("2026-11-27T12:15:01Z", tick=False)

        assert sign_in("olivia@example.com").status_code == 302


class TestBehindAProxy:
    PROXY = "10.1.2.3"

    def test_strangers_behind_it_lock_nobody_out(self, settings) -> None:
        settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
        make_person("Olivia")
        for n in range(31):
            sign_in(
                f"stranger{n}@example.com", "wrong",
                REMOTE_ADDR=self.PROXY, HTTP_X_FORWARDED_FOR="198.51.100.7",
            )  # fmt: skip

        own = {"REMOTE_ADDR": self.PROXY, "HTTP_X_FORWARDED_FOR": "203.0.113.5"}
        theirs = {"REMOTE_ADDR": self.PROXY, "HTTP_X_FORWARDED_FOR": "198.51.100.7"}
        assert sign_in("olivia@example.com", **own).status_code == 302
        assert "Too many" in sign_in("olivia@example.com", **theirs).text

    @pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8"]])
    def test_nobody_names_his_own_address(self, settings, proxies) -> None:
        settings.TRUSTED_PROXIES = proxies
        for n in range(30):
            sign_in(
                f"merchant{n}@example.com", "wrong",
                REMOTE_ADDR="198.51.100.7", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}",
            )  # fmt: skip
        make_person("Olivia")

        shown = sign_in("olivia@example.com", REMOTE_ADDR="198.51.100.7")
        assert "Too many" in shown.text

    def test_what_stands_before_the_clients_address_is_anybodys_word(self, settings) -> None:
        settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
        make_person("Olivia")
        for n in range(30):
            sign_in(
                f"merchant{n}@example.com", "wrong", REMOTE_ADDR=self.PROXY,
                HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 198.51.100.7, 10.9.9.9",
            )  # fmt: skip

        again = {"REMOTE_ADDR": self.PROXY, "HTTP_X_FORWARDED_FOR": "198.51.100.7"}
        assert "Too many" in sign_in("olivia@example.com", **again).text


class TestAStolenSession:
    def test_adds_no_address_without_the_password(self, owner: Merchant) -> None:
        asked = owner.client.post(EMAILS, {"email": "thief@example.com", "action_add": ""})

        assert asked["Location"].startswith(reverse("account_reauthenticate"))
        assert not EmailAddress.objects.filter(email="thief@example.com").exists()

    def test_the_old_address_hears_of_a_new_one(self, owner: Merchant) -> None:
        form = {"email": "second@example.com", "action_add": ""}
        asked = owner.client.post(EMAILS, form)
        owner.client.post(asked["Location"], {"password": PASSWORD, "next": EMAILS})

        assert EmailAddress.objects.filter(email="second@example.com").exists()
        [notice] = [message for message in mail.outbox if message.to == ["olivia@example.com"]]
        assert "second@example.com was added" in notice.body

    def test_and_of_a_new_password(self, owner: Merchant) -> None:
        new = "a longer battery staple"
        form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        address = reverse("account_change_password")
        asked = owner.client.post(address, form)
        if asked["Location"].startswith(reverse("account_reauthenticate")):
            owner.client.post(asked["Location"], {"password": PASSWORD, "next": address})

        owner.person.refresh_from_db()
        assert owner.person.check_password(new)
        [notice] = mail.outbox
        assert notice.to == ["olivia@example.com"]
        assert "password has been changed" in notice.body


def test_links_in_mails_lead_to_our_own_address(settings) -> None:
    settings.APP_URL = "https://app.example.com"
    make_person("Olivia")
    Client().post(
        "/dashboard/sign-in/password/reset/",
        {"email": "olivia@example.com"},
        HTTP_HOST="LOCALHOST:4444",
    )

    [message] = mail.outbox
    assert "https://app.example.com/dashboard/sign-in/password/reset/key/" in message.body
    assert "4444" not in message.body


@pytest.mark.parametrize("page", [LOGIN, "/dashboard/sign-in/signup/", "/staff/", EMAILS])
def test_no_cache_keeps_the_pages_of_sign_in(owner: Merchant, page: str) -> None:
    for client in (Client(), owner.client):
        assert "no-store" in client.get(page)["Cache-Control"]

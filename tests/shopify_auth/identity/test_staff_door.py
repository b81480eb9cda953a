"""How our own staff get in: by a confirmed address, a password and a second factor."""

from __future__ import annotations

import re
import time
from functools import partial
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings as configured
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from credits.staff_acts import StaffAct
from shopify_auth.models import Person
from tests.at_once import at_once
from tests.merchants import Merchant, make_person

PASSWORD = "correct horse"
LOGIN = "/dashboard/sign-in/login/"
CODES = "/dashboard/sign-in/second-factor/"
SAVED = f"{CODES}recovery-codes/saved"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _required(settings) -> None:
    settings.STAFF_REQUIRE_MFA = True
    # No test runs out of an app's code between reading and entering it.
    settings.MFA_TOTP_PERIOD = 1_000_000_000


def make_superuser() -> tuple[Person, str]:
    """Sasha, made on the server's console, and the link that it printed."""
    printed = StringIO()
    email = "sasha@example.com"
    call_command("createsuperuser", "--noinput", email=email, stdout=printed)
    sasha = Person.objects.get(email=email)
    sasha.set_password(PASSWORD)
    sasha.save()
    # As the console would after asking for a password.
    from shopify_auth.identity.staff_door import link_for  # noqa: PLC0415

    assert "/staff/set-up/" in printed.getvalue()
    return sasha, link_for(sasha).removeprefix(configured.APP_URL)


def sign_in(client: Client, email: str = "sasha@example.com", next_url: str = "/staff/"):
    form = {"login": email, "password": PASSWORD, "next": next_url}
    return client.post(LOGIN, form)


def code_for(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def set_up(client: Client, link: str, *, save_codes: bool = True) -> str:
    """Follow the link with the password and an authenticator app; the app's secret."""
    asked = client.get(link)
    assert asked["Location"].startswith(LOGIN)
    assert sign_in(client, next_url=link)["Location"] == link
    again = client.get(link, follow=True)
    if "password" in again.text and "totp" not in again.request["PATH_INFO"]:
        again = client.post(
            again.request["PATH_INFO"] + "?" + again.request["QUERY_STRING"],
            {"password": PASSWORD, "next": f"{CODES}totp/activate/"},
            follow=True,
        )
    [secret] = re.findall(r"<code>([A-Z2-7]{16,})</code>", again.text)
    done = client.post(f"{CODES}totp/activate/", {"code": code_for(secret)}, follow=True)
    assert "Recovery codes" in done.text
    if save_codes:
        assert client.post(SAVED)["Location"] == "/staff/"
    return str(secret)


def test_whoever_has_no_second_factor_sees_one_page(client):
    make_superuser()
    assert sign_in(client)["Location"] == "/staff/"
    for page in ("/staff/", "/staff/shopify_auth/shop/", "/staff/login/"):
        shown = client.get(page)
        assert shown.status_code == 403
        assert "Ask a superuser for a link" in shown.text


def test_and_sets_none_up_without_a_link(client):
    make_superuser()
    sign_in(client)
    assert client.get(f"{CODES}totp/activate/").status_code == 403
    assert not Authenticator.objects.exists()


def test_the_link_leads_by_the_password_to_the_second_factor_and_in(client):
    _sasha, link = make_superuser()
    secret = set_up(client, link)

    fresh = Client()
    asked = sign_in(fresh)
    assert asked["Location"].startswith(f"{CODES}authenticate/")
    assert fresh.get("/staff/")["Location"].startswith(LOGIN)
    fresh.post(f"{CODES}authenticate/", {"code": code_for(secret)})
    assert fresh.get("/staff/").status_code == 200


def recovery_code(sasha: Person) -> str:
    codes = Authenticator.objects.get(user=sasha, type="recovery_codes")
    return str(RecoveryCodes(codes).get_unused_codes()[0])


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_a_code_is_good_once_whatever_the_cache_remembers(client, kind):
    sasha, link = make_superuser()
    secret = set_up(client, link)
    code = code_for(secret) if kind == "app" else recovery_code(sasha)
    first, second = Client(), Client()
    sign_in(first)
    sign_in(second)
    first.post(f"{CODES}authenticate/", {"code": code})
    assert first.get("/staff/").status_code == 200

    cache.clear()
    assert "Incorrect code" in second.post(f"{CODES}authenticate/", {"code": code}).text
    assert second.get("/staff/")["Location"].startswith(LOGIN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_two_who_use_a_code_at_once_one_gets_in(client, kind):
    sasha, link = make_superuser()
    secret = set_up(client, link)
    code = code_for(secret) if kind == "app" else recovery_code(sasha)
    clients = [Client() for _ in range(4)]
    for each in clients:
        sign_in(each)

    def use(each: Client) -> None:
        cache.clear()
        each.post(f"{CODES}authenticate/", {"code": code})

    assert not at_once(*(partial(use, each) for each in clients))
    assert sum(each.get("/staff/").status_code == 200 for each in clients) == 1


def enter(secret: str) -> Client:
    """A browser signed in with password and app."""
    fresh = Client()
    sign_in(fresh)
    fresh.post(f"{CODES}authenticate/", {"code": code_for(secret)})
    return fresh


def confirm_password(client: Client, asked: HttpResponse) -> None:
    """Do what allauth asks before it shows or makes recovery codes."""
    assert "/reauthenticate/" in asked["Location"]
    client.post(asked["Location"], {"password": PASSWORD})


def test_nobody_works_on_before_the_recovery_codes_are_saved(client):
    _sasha, link = make_superuser()
    client = enter(set_up(client, link, save_codes=False))
    codes = f"{CODES}recovery-codes/"
    for page in ("/staff/", "/staff/shopify_auth/shop/"):
        assert client.get(page)["Location"] == codes
    confirm_password(client, client.get(codes))
    assert "I have saved these codes" in client.get(codes).text

    client.post(SAVED)

    assert client.get("/staff/").status_code == 200
    assert "I have saved these codes" not in client.get(codes).text


def test_new_recovery_codes_are_to_be_saved_too(client):
    _sasha, link = make_superuser()
    client = enter(set_up(client, link))
    assert client.get("/staff/").status_code == 200

    confirm_password(client, client.post(f"{CODES}recovery-codes/generate/"))

    assert client.get("/staff/")["Location"] == f"{CODES}recovery-codes/"


def test_only_who_is_signed_in_says_that_codes_are_saved(client):
    _sasha, link = make_superuser()
    set_up(client, link, save_codes=False)

    assert Client().post(SAVED)["Location"].startswith(LOGIN)
    assert Client().get(f"{CODES}recovery-codes/")["Location"].startswith(LOGIN)
    assert client.get(SAVED).status_code == 405
    assert client.get("/staff/").status_code == 302


def test_the_link_is_good_once_and_for_its_person(client, owner: Merchant):
    _sasha, link = make_superuser()
    assert "somebody else" in owner.client.get(link).text
    set_up(client, link)
    assert "used up" in Client().get(link).text


def test_an_older_link_opens_nothing(time_machine):
    _sasha, link = make_superuser()
    time_machine.move_to(time.time() + 24 * 3600 + 1)
    assert Client().get(link).status_code == 403


def test_createsuperuser_confirms_the_address(client):
    make_superuser()
    assert EmailAddress.objects.get().verified


def test_an_unconfirmed_address_opens_nothing(client):
    sasha, _link = make_superuser()
    EmailAddress.objects.update(verified=False)
    assert "confirm-email" in sign_in(client)["Location"]
    assert client.get("/staff/")["Location"].startswith(LOGIN)
    client.force_login(sasha)
    assert client.get("/staff/").status_code == 403


def test_a_superuser_mails_a_colleague_the_link(client, settings):
    settings.STAFF_REQUIRE_MFA = False
    sasha, _link = make_superuser()
    casey = make_person("Casey")
    casey.is_staff = True
    casey.save()
    EmailAddress.objects.filter(user=casey).delete()
    Authenticator.objects.create(user=casey, type="totp", data={"secret": "lost phone"})
    client.force_login(sasha)

    form = {"action": "mail_set_up_link", "_selected_action": [str(casey.pk)]}
    client.post("/staff/shopify_auth/person/", form)

    [message] = mail.outbox
    [link] = re.findall(r"http\S+(/staff/set-up/\S+)", message.body)
    assert message.to == ["casey@example.com"]
    assert not Authenticator.objects.exists()
    assert StaffAct.objects.get().act == "second factor reset"
    assert Client().get(link)["Location"].startswith(LOGIN)
    assert EmailAddress.objects.get(user=casey).verified


def test_a_merchant_is_shown_the_way_out(owner: Merchant):
    assert owner.client.get("/staff/", follow=True).status_code == 403


def test_wrong_codes_are_limited(client):
    _sasha, link = make_superuser()
    secret = set_up(client, link)
    fresh = Client()
    sign_in(fresh)
    for _guess in range(5):
        assert "Incorrect code" in fresh.post(f"{CODES}authenticate/", {"code": "000000"}).text

    Authenticator.objects.filter(type="totp").update(last_used_at=None)
    shown = fresh.post(f"{CODES}authenticate/", {"code": code_for(secret)})
    assert "Too many" in shown.text
    assert fresh.get("/staff/")["Location"].startswith(LOGIN)

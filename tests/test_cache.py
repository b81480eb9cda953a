"""Redis away: people sign up, sign in and get new passwords all the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache, caches
from django.test import Client
from redis.exceptions import RedisError

from scripts.servers.valkey import PrivateValkey
from shopify_auth.models import Person
from tests.merchants import make_person

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"  # As tests/merchants.py gives it to everybody.
DOOR = "/dashboard/sign-in"


@pytest.fixture
def redis_of_its_own(settings: Any) -> Iterator[PrivateValkey]:
    """A Redis for the cache alone, which is stopped and started."""
    valkey = PrivateValkey()
    valkey.start()
    settings.CACHES = {
        name: cache | {"LOCATION": valkey.url()} for name, cache in settings.CACHES.items()
    }
    yield valkey
    valkey.stop()


@pytest.fixture
def away(redis_of_its_own: PrivateValkey) -> PrivateValkey:
    redis_of_its_own.stop()
    return redis_of_its_own


def outages(caplog: pytest.LogCaptureFixture) -> int:
    return sum("Cache away" in record.message for record in caplog.records)


def test_signing_in_works_and_does_not_fill_the_log(
    away: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    person = make_person("Olivia")
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        client = Client()
        answer = client.post(f"{DOOR}/login/", {"login": person.email, "password": PASSWORD})
        assert (answer.status_code, answer["Location"]) == (302, "/dashboard/")
    wrong = Client().post(f"{DOOR}/login/", {"login": person.email, "password": "wrong"})
    assert wrong.status_code == 200
    assert outages(caplog) <= 1


def test_signing_up_works(away: PrivateValkey) -> None:
    answer = Client().post(
        f"{DOOR}/signup/",
        {"email": "nina@example.com", "password1": PASSWORD, "password2": PASSWORD},
    )
    assert answer.status_code == 302
    assert Person.objects.filter(email="nina@example.com").exists()


def test_a_password_is_reset(away: PrivateValkey) -> None:
    person = make_person("Olivia")
    answer = Client().post(f"{DOOR}/password/reset/", {"email": person.email})
    assert answer.status_code == 302
    assert [message.to for message in mail.outbox] == [[person.email]]


def test_what_may_happen_once_only_does_not_happen(away: PrivateValkey) -> None:
    with pytest.raises(RedisError):
        caches["once"].add("install:state", 1)


def test_every_question_is_answered_as_by_an_empty_cache(away: PrivateValkey) -> None:
    assert cache.add("key", 1)
    assert cache.get("key", "default") == "default"
    cache.set("key", 1)
    assert cache.incr("key", 3) == 3
    assert cache.get_many(["key"]) == {}
    assert cache.set_many({"key": 1}) == []
    assert not cache.has_key("key")
    assert not cache.touch("key")
    assert not cache.delete("key")
    cache.delete_many(["key"])
    cache.clear()


def test_it_counts_again_when_redis_is_back(
    redis_of_its_own: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecomvance_app.cache.QUIET_SECONDS", 0.0)
    cache.set("key", 7)
    assert cache.get("key") == 7
    redis_of_its_own.stop()
    assert cache.get("key") is None
    redis_of_its_own.start()
    cache.set("key", 8)
    assert cache.get("key") == 8

"""An answer over ASGI: said as it comes, stopped when the client goes, its connections closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient

from generations.assist import answers
from generations.assist.events import Delta
from generations.models import ChatMessage
from tests.embedded import bearer, session_token
from tests.merchants import ApiMerchant, open_store

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_SECONDS = 20


@pytest.fixture
def olivia() -> ApiMerchant:
    return open_store("olivia.myshopify.com")


async def ask(merchant: ApiMerchant) -> Any:
    headers = bearer(session_token(merchant.domain))
    response = await AsyncClient().post(
        "/api/v1/assist", {"message": "hello"}, "application/json", headers=headers
    )
    assert response.status_code == 200
    return response


def test_the_whole_answer_comes(olivia: ApiMerchant) -> None:
    async def read() -> str:
        return "".join([piece.decode() async for piece in (await ask(olivia)).streaming_content])

    said = async_to_sync(read)()
    assert said.startswith("event: delta\n")
    assert "\nevent: done\n" in said
    assert ChatMessage.objects.get(role="assistant").state == "complete"


def test_the_first_piece_comes_before_the_last_is_there_and_stopping_ends_it(
    olivia: ApiMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def slow(*_given: object) -> Iterator[Delta]:
        yield Delta("First. ")
        may_go_on.wait(WITHIN_SECONDS)
        yield Delta("Second. ")
        yield Delta("Third.")

    monkeypatch.setitem(answers._ANSWERERS, "local", slow)

    async def stop() -> bytes:
        response = await ask(olivia)
        first: bytes = await anext(response.streaming_content)
        # As Django's server does when the client has gone.
        response.close()
        may_go_on.set()
        async with asyncio.timeout(WITHIN_SECONDS):
            while not await sync_to_async(kept)():
                await asyncio.sleep(0.05)
        return first

    def kept() -> bool:
        return ChatMessage.objects.filter(role="assistant").exists()

    assert b"First." in async_to_sync(stop)()
    message = ChatMessage.objects.get(role="assistant")
    assert message.state == "stopped"
    assert message.text.startswith("First. ")
    assert "Third." not in message.text


def test_a_defect_in_an_answer_is_told_and_kept(
    olivia: ApiMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> Iterator[Delta]:
        yield Delta("So far")
        raise RuntimeError("a defect")

    monkeypatch.setitem(answers._ANSWERERS, "local", broken)

    async def read() -> str:
        return "".join([piece.decode() async for piece in (await ask(olivia)).streaming_content])

    assert "event: error\n" in async_to_sync(read)()
    message = ChatMessage.objects.get(role="assistant")
    assert (message.state, message.text) == ("failed", "So far")

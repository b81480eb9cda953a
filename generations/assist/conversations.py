"""What was asked and answered: kept with its account for 30 days after the last word, or deleted."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from generations.assist.events import Draft, Source, draft_json
from generations.models import ChatMessage, Conversation, Generation

KEPT = timedelta(days=30)
MOST_TITLE = 80


def listed(account_id: int) -> QuerySet[Conversation]:
    """The account's conversations, the latest first."""
    return Conversation.objects.filter(account_id=account_id).order_by("-updated_at", "-pk")


def find(account_id: int, conversation_id: uuid.UUID | str) -> Conversation:
    """One conversation of this account; Conversation.DoesNotExist for every other."""
    try:
        wanted = uuid.UUID(str(conversation_id))
    except ValueError:
        raise Conversation.DoesNotExist from None
    return Conversation.objects.get(account_id=account_id, pk=wanted)


def begin(account_id: int, person_id: int | None, text: str, now: datetime) -> Conversation:
    """A new conversation, named after its first question."""
    title = " ".join(text.split())[:MOST_TITLE]
    return Conversation.objects.create(
        account_id=account_id,
        started_by_id=person_id,
        title=title,
        created_at=now,
        updated_at=now,
    )


def ask(conversation: Conversation, text: str, now: datetime) -> ChatMessage:
    """Keep a question."""
    return _add(conversation, ChatMessage.Role.USER, text, now)


def answer(
    conversation: Conversation,
    text: str,
    now: datetime,
    *,
    state: str,
    engine: str,
    drafts: list[Draft],
    sources: list[Source],
) -> ChatMessage:
    """Keep an answer, as far as it was said.

    Conversation.DoesNotExist when the conversation was deleted meanwhile.
    """
    if not Conversation.objects.filter(pk=conversation.pk).exists():
        raise Conversation.DoesNotExist
    return _add(
        conversation,
        ChatMessage.Role.ASSISTANT,
        text,
        now,
        state=state,
        engine=engine,
        drafts=[
            draft_json(one) | {"key": uuid.uuid4().hex, "titles": list(one.titles)}
            for one in drafts
        ],
        sources=[{"kind": one.kind, "reference": one.reference} for one in sources],
    )


def _add(
    conversation: Conversation, role: str, text: str, now: datetime, **more: Any
) -> ChatMessage:
    message = ChatMessage.objects.create(
        conversation=conversation, role=role, text=text, created_at=now, **more
    )
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    return message


def delete(account_id: int, conversation_id: uuid.UUID | str) -> None:
    """Delete a conversation for good; Conversation.DoesNotExist for another account's."""
    find(account_id, conversation_id).delete()


def forget_old(now: datetime) -> int:
    """Delete what has rested for 30 days; how many conversations that were."""
    old = Conversation.objects.filter(updated_at__lt=now - KEPT)
    count = old.count()
    old.delete()
    return count


def find_draft(account_id: int, name: str) -> Generation | None:
    """A proposed run, not saved, as a tool's page begins with one; None for what is not there.

    A draft is named by its message and its place there: 12-0.
    """
    message_id, _, place = name.partition("-")
    if not (message_id.isdecimal() and place.isdecimal() and len(name) < 20):
        return None
    message = ChatMessage.objects.filter(
        conversation__account_id=account_id, pk=int(message_id)
    ).first()
    if message is None or int(place) >= len(message.drafts):
        return None
    return _as_run(message.drafts[int(place)])


def _as_run(draft: dict[str, Any]) -> Generation:
    return Generation(
        tool=draft["tool"],
        resolution=draft["resolution"] or "",
        seconds=draft["seconds"],
        prompt=draft["prompt"],
        options=draft["options"],
        products=[[product_id, ""] for product_id in draft["product_ids"]],
    )

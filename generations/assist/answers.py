"""A question and its answer: checked and counted at once, then said piece by piece, then kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits.models import Account
from credits.refusals import Refusal
from generations.assist import conversations, fair_use, model
from generations.assist.events import Delta, Done, Draft, Event, Failed, Said, Source
from generations.assist.facts import Asker
from generations.assist.local import guide
from generations.engines.base import EngineError
from generations.models import ChatMessage, Conversation
from generations.options import CONTROL
from generations.runs import consents
from generations.runs.outages import health

TOOL = "chat-assistant"
MOST_MESSAGE = 4000
State = ChatMessage.State
logger = logging.getLogger(__name__)


class QuestionRefused(Refusal):
    """The question cannot be asked like this."""

    field = "message"


@dataclass(frozen=True)
class Question:
    """What is asked, by whom, and what was said before."""

    asker: Asker
    text: str
    before: Sequence[ChatMessage] = ()


@dataclass(frozen=True)
class Answer:
    """The conversation that a question stands in, and the events of its answer."""

    conversation: str
    events: Generator[Event, None, None]


@dataclass
class _Spoken:
    """What has been said so far."""

    text: list[str] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    def add(self, said: Said) -> bool:
        """Keep a piece; False for a source that was named before."""
        if isinstance(said, Delta):
            self.text.append(said.text)
        elif isinstance(said, Draft):
            self.drafts.append(said)
        elif said in self.sources:
            return False
        else:
            self.sources.append(said)
        return True


Answerer = Callable[[Asker, str, Sequence[ChatMessage]], Iterator[Said]]
_ANSWERERS: dict[str, Answerer] = {"local": guide.answer, "google": model.answer}


def ask(
    account: Account, person_id: int | None, conversation_id: str, text: str, now: datetime
) -> Answer:
    """The answer, still to be said; the question is kept and counted when this returns.

    An empty `conversation_id` begins a conversation. Raises a Refusal for a text that is none, for an
    assistant that cannot be asked now and above the day's limit; Conversation.DoesNotExist for a
    conversation that is not the account's. Nothing is kept or counted then.
    """
    check(text)
    known = conversations.find(account.pk, conversation_id) if conversation_id else None
    route = health.route(TOOL)
    if route.unavailable_reason:
        raise Refusal(route.unavailable_reason, "tool_unavailable")
    consents.check_questions(account.pk, route.engine)
    allowance = fair_use.take(account, now)
    conversation = known or conversations.begin(account.pk, person_id, text, now)
    before = list(conversation.messages.order_by("pk"))
    conversations.ask(conversation, text, now)
    question = Question(Asker(account, now), text, before)
    events = _say(conversation, question, route.engine, allowance)
    return Answer(str(conversation.pk), events)


def check(text: str) -> None:
    """QuestionRefused for an empty question, one that is too long, or what is no text."""
    if not text.strip():
        raise QuestionRefused(_("Type a question."), "empty_message")
    if len(text) > MOST_MESSAGE:
        sentence = _("A question has at most %(most)s characters.")
        raise QuestionRefused(sentence % {"most": localize(MOST_MESSAGE)}, "message_too_long")
    if CONTROL.search(text.replace("\r\n", "\n")):
        raise QuestionRefused(_("A question is plain text."), "invalid_message")


def _say(
    conversation: Conversation, question: Question, engine: str, allowance: fair_use.Allowance
) -> Generator[Event, None, None]:
    spoken, state = _Spoken(), State.STOPPED
    failed: Failed | None = None
    try:
        try:
            answerer = _ANSWERERS[engine]
            for said in answerer(question.asker, question.text, question.before):
                if spoken.add(said):
                    yield said
            if allowance.is_near:
                said = Delta(_remaining(allowance))
                spoken.add(said)
                yield said
            state = State.COMPLETE
        except (EngineError, Refusal) as error:
            state, failed = State.FAILED, _broken_off(error)
            if isinstance(error, EngineError):
                health.note_error(engine, "chat-assistant", error)
        except Exception:
            logger.exception("An answer failed")
            sentence = _("Something went wrong on our side.")
            state, failed = State.FAILED, Failed("server_error", sentence)
    finally:
        # Also when whoever listened has gone: what was said by then is kept.
        failed = _keep(conversation, question, engine, spoken, state) or failed
    yield failed or Done(str(conversation.pk))


def _keep(
    conversation: Conversation, question: Question, engine: str, spoken: _Spoken, state: State
) -> Failed | None:
    try:
        conversations.answer(
            conversation, "".join(spoken.text), question.asker.now, state=state, engine=engine,
            drafts=spoken.drafts, sources=spoken.sources,
        )  # fmt: skip
    except Conversation.DoesNotExist:
        return Failed("not_found", _("This conversation was deleted."))
    return None


def _broken_off(error: Exception) -> Failed:
    if isinstance(error, Refusal):
        return Failed(error.code, str(error))
    sentence = _("The assistant could not finish its answer. Ask again in a minute.")
    return Failed("provider_error", sentence)


def _remaining(allowance: fair_use.Allowance) -> str:
    if not allowance.remaining:
        return "\n\n" + _("This was the last question that fair use allows today.")
    sentence = ngettext(
        "You can ask %(count)s more question today.",
        "You can ask %(count)s more questions today.",
        allowance.remaining,
    )
    return "\n\n" + sentence % {"count": localize(allowance.remaining)}

"""The assistant's page: conversations, the answer as it is said, and drafts that a click runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from credits.refusals import Refusal
from ecomvance_app import clock
from ecomvance_app.http import MerchantRequest
from generations import catalog
from generations.assist import answers, conversations, drafts, fair_use, hints, streaming
from generations.assist.events import MEDIA_TYPE, Draft
from generations.models import ChatMessage, Conversation
from generations.pages.forms import OPTION
from generations.runs import consents, queries
from generations.runs.outages import health

HISTORY_SHOWN = 30


@require_safe
def page(request: MerchantRequest, conversation_id: uuid.UUID | None = None) -> HttpResponse:
    """The assistant, with one conversation or at the beginning of one."""
    found = _get(request, conversation_id) if conversation_id else None
    return render(request, "generations/assist.html", _context(request, found))


@require_POST
def ask(request: MerchantRequest) -> HttpResponseBase:
    """One question; the answer streams as it does in the API."""
    wanted, text = (request.POST.get(name, "") for name in ("conversation", "message"))
    person_id = request.person.pk if request.person else None
    try:
        answer = answers.ask(request.account, person_id, wanted, text, clock.now())
    except Conversation.DoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        told = {"error": refusal.code, "message": str(refusal), **refusal.details}
        return JsonResponse(told, status=refusal.status)
    if MEDIA_TYPE not in request.headers.get("Accept", ""):
        # Without scripts the page comes again with the whole answer.
        for _event in answer.events:
            pass
        return HttpResponseRedirect(_url(request, "conversation", answer.conversation))
    return streaming.respond(request, answer)


@require_POST
def delete(request: MerchantRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Delete a conversation for good."""
    try:
        conversations.delete(request.account.pk, conversation_id)
    except Conversation.DoesNotExist:
        raise Http404 from None
    where = _url(request, "assist")
    if request.htmx:
        response = HttpResponse(status=204)
        response["HX-Redirect"] = where
        return response
    return HttpResponseRedirect(where)


@require_POST
def dismiss_hint(request: MerchantRequest, slug: str) -> HttpResponse:
    """Do not show a hint again; the page goes on without it."""
    try:
        hints.dismiss(request.account.pk, slug)
    except LookupError:
        raise Http404 from None
    if request.htmx:
        return HttpResponse()
    tool = request.POST.get("tool", "")
    name, arguments = ("tool", [tool]) if tool in catalog.TOOLS else ("tools", [])
    return HttpResponseRedirect(_url(request, name, *arguments))


def _url(request: MerchantRequest, name: str, *arguments: Any) -> str:
    return reverse(f"pages:{name}", args=arguments, current_app=request.surface)


def _get(request: MerchantRequest, conversation_id: uuid.UUID) -> Conversation:
    try:
        return conversations.find(request.account.pk, conversation_id)
    except Conversation.DoesNotExist:
        raise Http404 from None


def _context(request: MerchantRequest, found: Conversation | None) -> dict[str, Any]:
    route = health.route(answers.TOOL)
    return {
        "nav_active": "assist",
        "conversation": found,
        "messages_shown": _messages(request, found),
        "history": conversations.listed(request.account.pk)[:HISTORY_SHOWN],
        "kept_days": conversations.KEPT.days,
        "allowance": fair_use.read(request.account, clock.now()),
        "most_message": answers.MOST_MESSAGE,
        "unavailable": route.unavailable_reason,
        "needs_consent": consents.is_missing(request.account.pk, route.engine),
        "is_guide": route.engine == "local",
        "starters": [
            _("Why was I charged?"),
            _("What can I make with my credits?"),
            _("When do my credits reset?"),
            _("How can I save credits?"),
        ],
    }


def _messages(request: MerchantRequest, found: Conversation | None) -> list[dict[str, Any]]:
    if found is None:
        return []
    return [
        {
            "message": message,
            "is_question": message.role == ChatMessage.Role.USER,
            "drafts": [
                _card(request, f"{message.pk}-{place}", draft)
                for place, draft in enumerate(message.drafts)
            ],
            "sources": [shown for one in message.sources if (shown := _source(request, one))],
        }
        for message in found.messages.order_by("pk")
    ]


def _card(request: MerchantRequest, name: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """A draft as its card shows it: the price of now, a form that only a click sends."""
    draft = Draft(
        stored["tool"],
        stored["resolution"] or "",
        stored["seconds"],
        stored["prompt"],
        stored["options"],
        tuple(stored["product_ids"]),
    )
    quoted, refused = drafts.price_again(request.account.pk, draft)
    tool = catalog.TOOLS[draft.tool]
    started = queries.find_by_key(request.account.pk, stored["key"])
    defaults = {option.name: option.default for option in tool.options}
    return {
        "name": name,
        "draft": draft,
        "tool": tool,
        "titles": ", ".join(stored["titles"]),
        "key": stored["key"],
        "quote": quoted,
        "refused": refused,
        "run_id": started.pk if started and not started.deleted_at else "",
        "short": max(0, quoted.credits - quoted.available) if quoted else 0,
        "options": [
            (f"{OPTION}{option.name}", _field_value(draft.options[option.name]))
            for option in tool.options
            if option.name in draft.options and draft.options[option.name] is not False
        ],
        "said_options": [
            (str(option.title), _said(option, draft.options[option.name]))
            for option in tool.options
            if draft.options.get(option.name, defaults[option.name]) != defaults[option.name]
        ],
        "result": f"draft-{name}",
    }


def _field_value(value: object) -> str:
    """What a form would send for it: a box that is ticked sends "on"."""
    return "on" if value is True else str(value)


def _said(option: Any, value: object) -> str:
    titles = {choice.value: str(choice.title) for choice in option.choices}
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return titles.get(value, str(value))


def _source(request: MerchantRequest, source: Mapping[str, str]) -> dict[str, str] | None:
    """Where an answer stands, as a link on the surface that asks; None for what has no page."""
    kind, reference = source["kind"], source["reference"]
    titled: dict[str, tuple[str, str, list[Any]]] = {
        "balance": (_("Usage"), "usage", []),
        "usage": (_("Usage"), "usage", []),
        "history": (_("Gallery"), "gallery", []),
        "prices": (_("Prices and rules"), "prices", []),
        "help": (_("Prices and rules"), "prices", []),
        "plans": (_("Plans"), "plans", []),
        "settings": (_("Settings"), "settings", []),
        "run": (_("The run"), "run", [reference]),
        "report": (_("Report a problem with it"), "run", [reference]),
        "tool": (_("The tool's page"), "tool", [reference]),
        "ledger": (_("Ledger"), "ledger", []),
    }
    if kind == "ledger" and reference:
        titled["ledger"] = (
            _("Ledger entry %(number)s") % {"number": reference},
            "entry",
            [int(reference)],
        )
    if kind not in titled:
        return None
    title, name, arguments = titled[kind]
    url = _url(request, name, *arguments)
    return {"title": title, "url": f"{url}#run-problem" if kind == "report" else url}

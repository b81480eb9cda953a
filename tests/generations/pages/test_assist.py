"""The assistant's page: the talk, the history, and drafts that only a click runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from credits import ledger
from credits.models import LedgerEntry
from credits.signals import account_erased
from generations.assist import answers
from generations.assist.events import Delta
from generations.engines import registry
from generations.models import ChatMessage, Conversation, Generation
from tests.generations.assist.talk import of_kind, read_events
from tests.generations.engine import Engine
from tests.generations.mug_store import OneMug
from tests.merchants import Merchant, make_merchant
from tests.page_reading import attribute, every, one, read_page, words

PAGE = "/dashboard/assist"
WISH = "Remove the background of the enamel mug"


@pytest.fixture(autouse=True)
def cut_out(store: None, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setitem(registry.LOCAL, "background-removal", engine)
    return engine


def say(merchant: Merchant, text: str, conversation: str = "") -> Any:
    """What the page's script sends."""
    form = {"message": text, "conversation": conversation}
    headers = {"Accept": "text/event-stream"}
    return merchant.client.post(f"{PAGE}/ask", form, headers=headers)


def talk(merchant: Merchant, text: str) -> Conversation:
    (done,) = of_kind(read_events(say(merchant, text)), "done")
    return Conversation.objects.get(pk=done["conversation"])


def page_of(merchant: Merchant, conversation: Conversation) -> Any:
    return read_page(merchant.client.get(f"{PAGE}/{conversation.pk}"))


def fields_of(form: Any) -> dict[str, list[str]]:
    """What a form's hidden fields would send."""
    fields: dict[str, list[str]] = {}
    for field in (*every(form, "input"), *every(form, "textarea")):
        value = attribute(field, "value") or words(field)
        fields.setdefault(attribute(field, "name"), []).append(value)
    return fields


def chosen_photos(page: Any) -> list[str]:
    """The values of the pictures that a tool's page begins with."""
    return [
        attribute(found, "value")
        for found in every(page, "input", type="radio")
        if attribute(found, "name") == "photo" and "checked" in dict(found.attributes)
    ]


def card_of(merchant: Merchant, conversation: Conversation) -> Any:
    return one(page_of(merchant, conversation), "article", class_="draft")


def test_it_says_that_it_is_a_guide_and_free(owner: Merchant) -> None:
    page = words(one(read_page(owner.client.get(PAGE)), "main"))
    assert "This is a guide, not an AI model" in page
    assert "starts only when you press Run" in page
    assert "Why was I charged?" in page


def test_the_tools_page_leads_to_it(owner: Merchant) -> None:
    answer = owner.client.get("/dashboard/tools/chat-assistant")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    tools = read_page(owner.client.get("/dashboard/tools"))
    (tile,) = [one for one in every(tools, "article") if "AI Chat Assistant" in words(one)]
    assert "Free" in words(tile)


def test_the_answer_names_its_conversation_from_the_start(owner: Merchant) -> None:
    answer = say(owner, "hello")
    assert answer["X-Conversation"] == str(Conversation.objects.get().pk)
    assert read_events(answer)[-1][0] == "done"


def test_the_talk_is_shown_with_links_to_where_it_stands(owner: Merchant) -> None:
    ledger.spend(owner.account.pk, 20, "one", tool="image-enhance")
    page = page_of(owner, talk(owner, "Why was I charged?"))
    shown = one(page, "ol", class_="talk")
    assert "Why was I charged?" in words(shown)
    assert "Image Enhance: 20 credits" in words(shown)
    entry = LedgerEntry.objects.get(kind="spend")
    assert [attribute(link, "href") for link in every(shown, "a")] == [
        f"/dashboard/usage/ledger/{entry.sequence}"
    ]


def test_a_charge_of_a_run_leads_to_its_report_form(owner: Merchant) -> None:
    run_of_a_draft(owner)
    page = page_of(owner, talk(owner, "Why was I charged?"))
    links = [attribute(link, "href") for link in every(one(page, "ol", class_="talk"), "a")]
    assert f"/dashboard/runs/{Generation.objects.get().pk}#run-problem" in links


def run_of_a_draft(owner: Merchant) -> None:
    form = one(card_of(owner, talk(owner, WISH)), "form")
    owner.client.post(attribute(form, "action"), fields_of(form))


def test_a_card_shows_product_and_price_and_only_its_click_runs(owner: Merchant) -> None:
    conversation = talk(owner, WISH)
    card = card_of(owner, conversation)
    assert "Enamel mug" in words(card)
    assert "Run · 20 credits" in words(card)
    assert not Generation.objects.exists()
    form = one(card, "form")
    answer = owner.client.post(attribute(form, "action"), fields_of(form))
    run = Generation.objects.get()
    assert answer["Location"] == f"/dashboard/runs/{run.pk}"
    assert (run.tool, run.product_id, run.price) == ("background-removal", OneMug.mug.id, 20)
    assert "Started: see the run" in words(card_of(owner, conversation))


def test_a_card_pressed_in_two_tabs_is_one_run(owner: Merchant) -> None:
    form = one(card_of(owner, talk(owner, WISH)), "form")
    for _tab in range(2):
        owner.client.post(attribute(form, "action"), fields_of(form))
    assert Generation.objects.count() == 1
    assert LedgerEntry.objects.filter(kind="spend").count() == 1


def test_a_card_that_cannot_be_paid_leads_to_plans(owner: Merchant) -> None:
    conversation = talk(owner, WISH)
    ledger.spend(owner.account.pk, 90, "much")
    card = words(card_of(owner, conversation))
    assert "10 credits are missing" in card
    assert "Purchase credits" in card
    assert "Run ·" not in card


def test_a_price_that_has_risen_is_refused(
    owner: Merchant, cut_out: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = one(card_of(owner, talk(owner, WISH)), "form")
    sent = fields_of(form) | {"max_credits": "19"}
    assert owner.client.post(attribute(form, "action"), sent).status_code == 409
    assert not Generation.objects.exists()


def test_edit_opens_the_tool_with_what_was_proposed(owner: Merchant) -> None:
    card = card_of(owner, talk(owner, WISH))
    (edit,) = [link for link in every(card, "a") if words(link) == "Edit"]
    page = read_page(owner.client.get(attribute(edit, "href")))
    assert chosen_photos(page) == [f"{OneMug.mug.id} 7"]


def test_words_and_size_of_a_draft_come_along(owner: Merchant) -> None:
    card = card_of(owner, talk(owner, "Create a 4K picture of: A <b>red</b> mug"))
    (edit,) = [link for link in every(card, "a") if words(link) == "Edit"]
    page = owner.client.get(attribute(edit, "href")).content.decode()
    assert "A &lt;b&gt;red&lt;/b&gt; mug" in page
    form = one(card, "form")
    owner.client.post(attribute(form, "action"), fields_of(form))
    run = Generation.objects.get()
    assert (run.tool, run.resolution) == ("nano-banana-t2i", "4K")
    assert run.prompt.strip() == "A <b>red</b> mug"


def test_another_accounts_drafts_and_talks_are_not_found(owner: Merchant) -> None:
    conversation = talk(owner, WISH)
    message = ChatMessage.objects.get(role="assistant")
    stranger = make_merchant("Stranger")
    assert stranger.client.get(f"{PAGE}/{conversation.pk}").status_code == 404
    assert stranger.client.post(f"{PAGE}/{conversation.pk}/delete").status_code == 404
    assert say(stranger, "hello", str(conversation.pk)).status_code == 404
    address = f"/dashboard/tools/background-removal?draft={message.pk}-0"
    page = read_page(stranger.client.get(address))
    assert not chosen_photos(page)


@pytest.mark.parametrize("name", ["0-0", "x", "1-9", "-", "99999999999999999999-0", "1"])
def test_a_draft_that_is_not_there_opens_the_tool_as_it_is(owner: Merchant, name: str) -> None:
    talk(owner, WISH)
    assert owner.client.get(f"/dashboard/tools/background-removal?draft={name}").status_code == 200


def test_a_talk_can_be_deleted(owner: Merchant) -> None:
    conversation = talk(owner, "hello")
    assert "hello" in words(one(read_page(owner.client.get(PAGE)), "main"))
    owner.client.post(f"{PAGE}/{conversation.pk}/delete")
    assert not ChatMessage.objects.exists()
    assert owner.client.get(f"{PAGE}/{conversation.pk}").status_code == 404


def test_without_scripts_the_page_comes_with_the_answer(owner: Merchant) -> None:
    answer = owner.client.post(f"{PAGE}/ask", {"message": "What's my balance?"})
    conversation = Conversation.objects.get()
    assert answer["Location"] == f"{PAGE}/{conversation.pk}"
    assert "You have 100 credits" in words(page_of(owner, conversation))


def test_what_is_refused_is_said(owner: Merchant, settings: Any) -> None:
    settings.ASSIST_QUESTIONS_PER_DAY = 1
    assert say(owner, "").status_code == 422
    say(owner, "hello")
    refused = say(owner, "hello")
    assert (refused.status_code, refused.json()["error"]) == (429, "fair_use_reached")


def test_the_page_says_that_the_limit_is_near(owner: Merchant, settings: Any) -> None:
    settings.ASSIST_QUESTIONS_PER_DAY = 3
    assert "more question" not in words(read_page(owner.client.get(PAGE)))
    say(owner, "hello")
    say(owner, "hello")
    assert "You can ask 1 more question today." in words(read_page(owner.client.get(PAGE)))


def test_an_answer_that_broke_off_says_so(owner: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_given: object) -> Any:
        yield Delta("So far")
        raise RuntimeError("secret")

    monkeypatch.setitem(answers._ANSWERERS, "local", breaks)
    events = read_events(say(owner, "hello"))
    assert events[-1] == (
        "error",
        {"error": "server_error", "message": "Something went wrong on our side."},
    )
    page = words(page_of(owner, Conversation.objects.get()))
    assert "So far" in page
    assert "This answer broke off." in page
    assert "secret" not in page


def test_what_was_said_is_text_on_the_page(owner: Merchant) -> None:
    conversation = talk(owner, "<script>alert(1)</script>")
    page = owner.client.get(f"{PAGE}/{conversation.pk}").content.decode()
    assert "<script>alert(1)" not in page


def test_it_is_erased_with_the_store(owner: Merchant) -> None:
    talk(owner, "hello")
    account_erased.send(sender=None, account_id=owner.account.pk, now=timezone.now())
    assert not Conversation.objects.exists()
    assert not ChatMessage.objects.exists()

"""What the product document says, in passages that an answer can quote; found by their words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generations.assist.events import Source
from generations.assist.facts import Reading

_MOST_FOUND = 2


@dataclass(frozen=True, slots=True)
class Passage:
    """One thing that the document explains, and the words that ask for it."""

    topic: str
    text: Promise
    words: frozenset[str]


def _passage(topic: str, text: Promise, words: str) -> Passage:
    return Passage(topic, text, frozenset(words.split()))


PASSAGES = (
    _passage("order", _("Plan credits are used first, then package credits. If both together are not enough, nothing is charged and the run does not start."),
             "order first bucket split before mixed deducted priority which used"),
    _passage("plan-credits", _("Plan credits come with your plan and reset on your billing date. What is unused expires then: there is no rollover."),
             "plan monthly rollover unused expire reset carry month"),
    _passage("package-credits", _("Package credits are purchased once, never expire and are used after plan credits."),
             "package packages once never expire extra purchase"),
    _passage("trial", _("The free trial gives 100 credits a day for 7 days. They reset every 24 hours and do not add up."),
             "trial free daily days new start"),
    _passage("final", _("All credit purchases are final. Credits have no cash value and cannot be exchanged for cash."),
             "final refund money cash back value return purchase"),
    _passage("failed", _("Credits may be restored only for failures caused by ecomVance itself, and at our discretion. Failures of an AI provider, a content policy, a timeout, a run you cancel while it works and a result you do not like are not restored. A run that is cancelled before it began is given back at once."),
             "failed fail failure error restored restore refund broken timeout policy bad unhappy result quality"),
    _passage("cancel-run", _("Cancel a run on its page. While it waits you get the credits back; once it works the credits stay used."),
             "cancel stop abort waiting queue run"),
    _passage("saving", _("Ways to use fewer credits: 1K–2K is enough for the web and social media, 4K is for print. For a clean background use Background Removal (20 credits) and not Object Removal (30 or more). Remove one item with Object Removal instead of making the whole image again. Try descriptions first. Use AI Shadowing for bulk work. Choose the shortest video that works: every second costs 100 credits."),
             "save saving cheap cheaper cheapest less tips economical optimize budget fewer"),
    _passage("batch", _("AI Shadowing is the only tool that works on many products in one batch: up to 50, each with a result of its own. Other tools put up to 14 images into one scene."),
             "batch bulk many products catalogue catalog 50 14 several together"),
    _passage("platforms", _("You have one balance, on the web dashboard and in your Shopify admin. What you use in one place is gone in the other at once."),
             "web dashboard shopify plugin app platform sync same balance both admin"),
    _passage("low", _("When credits are low you can wait for the reset, purchase a package, choose a larger plan, or use cheaper tools and sizes."),
             "low run out empty short enough missing more options"),
    _passage("pictures", _("Images can be JPEG, PNG, WebP, AVIF or HEIC, up to 25 MB and 50 megapixels; the shorter side needs at least 256 pixels. They are checked before anything is charged."),
             "upload file format jpeg jpg png webp heic avif size megapixels pixels large picture image requirements"),
    _passage("resolution", _("1K is enough for the web, 2K is for zooming, 4K for print. 1K and 2K cost the same."),
             "resolution 1k 2k 4k print zoom web size dpi"),
    _passage("descriptions", _("The Description Generator writes from your product's data alone. What a text claims beyond it is marked, so that you can check it. You can change the text by hand, copy it and download it."),
             "description descriptions text seo write title bullets meta alt invented"),
    _passage("report", _("Open the run and choose “Report a problem”. Everything our staff need goes along, and asking costs nothing."),
             "report problem support contact help staff human complaint"),
    _passage("assistant", _("The assistant answers questions and proposes runs with their price. It never starts a run, purchases, deletes or changes settings: that takes your click."),
             "assistant chat chatbot bot guide"),
)  # fmt: skip

_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "can",
        "do",
        "does",
        "for",
        "from",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "or",
        "the",
        "to",
        "what",
        "when",
        "where",
        "which",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)


def search(question: str) -> Reading:
    """The passages whose words the question shares most; none where it shares none."""
    asked = set(re.findall(r"[a-z0-9]+", question.casefold())) - _STOP
    most = max(len(asked & one.words) for one in PASSAGES)
    found = [one for one in PASSAGES if most and len(asked & one.words) == most][:_MOST_FOUND]
    data = {"passages": [{"topic": one.topic, "text": str(one.text)} for one in found]}
    return Reading(data, tuple(Source("help", one.topic) for one in found))

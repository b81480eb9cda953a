"""How often the assistant may be asked: so many questions an account and day, said before they end.

A question counts when it is asked, whatever becomes of its answer. Days are the account's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.utils.formats import localize
from django.utils.translation import gettext as _

from credits.models import Account
from credits.periods import local_day
from credits.refusals import Refusal
from generations import limits
from generations.models import AssistDay

# From so many remaining questions on it is said how many remain.
SAID_FROM = 10


class FairUseReached(Refusal):
    """The account has asked as often today as it may."""

    code = "fair_use_reached"
    status = 429


@dataclass(frozen=True, slots=True)
class Allowance:
    """What remains of today's questions."""

    most: int
    remaining: int

    @property
    def is_near(self) -> bool:
        """Whether the end is near enough to be said."""
        return self.remaining <= min(SAID_FROM, max(1, self.most // 2))


def read(account: Account, now: datetime) -> Allowance:
    """What remains today; counts nothing."""
    most = limits.value(limits.Name.ASSIST_QUESTIONS)
    day = local_day(now, account.time_zone)
    found = AssistDay.objects.filter(account=account, day=day).first()
    return Allowance(most, max(0, most - (found.questions if found else 0)))


def take(account: Account, now: datetime) -> Allowance:
    """Count one question and say what remains; FairUseReached, and nothing counted, at the end.

    Two questions at once are two: the row is raised where it stands, and only below the limit.
    """
    most = limits.value(limits.Name.ASSIST_QUESTIONS)
    day = local_day(now, account.time_zone)
    AssistDay.objects.get_or_create(account=account, day=day)
    today = AssistDay.objects.filter(account=account, day=day)
    if not today.filter(questions__lt=most).update(questions=F("questions") + 1):
        sentence = _(
            "You have asked the assistant %(most)s questions today, which is as many as fair use "
            "allows. Ask again tomorrow. Everything else works as before."
        )
        raise FairUseReached(sentence % {"most": localize(most)})
    return read(account, now)

"""The low-credit warning: when a balance counts as low, and the mail about it.

Source: product document, "Low Credit Warnings".
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import periods
from credits.accounts import low_default, mails, notices, recipients, renewals
from credits.arguments import MAX_CREDITS
from credits.models import Account, LedgerEntry, LowCreditAlert
from credits.refusals import UnknownAccount
from ecomvance_app import jobs, live

State = Literal["fine", "low", "below_cheapest", "zero"]


def threshold(chosen: int | None, allocation: int) -> int:
    """At how many credits a balance is low: the merchant's choice, else staff's default.

    What an account counts by stands in its `low_at`; this is what to write there.
    """
    return low_default.read().threshold(allocation) if chosen is None else chosen


def state(total: int, low_at: int, cheapest: int) -> State:
    """How a balance stands, the most pressing state first; `cheapest` is the cheapest tool."""
    if total == 0:
        return "zero"
    if total < cheapest:
        return "below_cheapest"
    return "low" if total <= low_at else "fine"


def set_threshold(account_id: int, chosen: int | None) -> None:
    """Keep the merchant's threshold, None for the default; ValueError below 0 or beyond reason."""
    if chosen is not None and not 0 <= chosen <= MAX_CREDITS:
        raise ValueError(_("A threshold lies between 0 and %(most)d.") % {"most": MAX_CREDITS})
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(pk=account_id).first()
        if account is None:
            raise UnknownAccount(f"There is no account {account_id!r}")
        account.low_threshold = chosen
        account.low_at = threshold(chosen, account.allocation)
        account.save(update_fields=["low_threshold", "low_at"])
        # Whether the same balance counts as low may be another thing now.
        live.publish(account_id, "balance")


def raise_alert(account: Account, entry: LedgerEntry) -> bool:
    """Keep the crossing that `entry` made; the first one of a period is mailed after commit.

    Returns whether the account hears of it by mail.
    Called by the ledger under the account's lock; it saves the account afterwards.
    """
    to_mail = not _mailed_this_period(account, entry)
    account.low_mailed_period = account.period_sequence
    alert = LowCreditAlert.objects.create(
        account=account,
        entry=entry,
        threshold=account.low_at,
        remaining=entry.plan_after + entry.package_after,
        created_at=entry.created_at,
        to_mail=to_mail,
    )
    if to_mail:
        jobs.enqueue("credits.mail_alert", alert_id=alert.pk)
    return to_mail and notices.is_on(account.pk, notices.Kind.LOW)


def _mailed_this_period(account: Account, entry: LedgerEntry) -> bool:
    if account.due_at is not None:
        return account.low_mailed_period == account.period_sequence
    # Who lives on packages alone, also after a plan, has no period; a cycle stands for it.
    since = periods.cycle_before(entry.created_at)
    mailed = LowCreditAlert.objects.filter(account=account, to_mail=True, created_at__gt=since)
    return mailed.exists()


def mail_alert(alert: LowCreditAlert) -> int:
    """Mail the warning to the account's recipients; returns how many. `mailed_at` is the caller's.

    Nobody where the account does not want to hear of it. Raises OSError as `mails.send_each` does.
    """
    if not notices.is_on(alert.account_id, notices.Kind.LOW):
        return 0
    account = alert.account
    context = {
        "alert": alert,
        "account": account,
        # The end of a period that is booked already lies in the past.
        "resets_at": account.due_at,
        "at_end": renewals.read_period_end(account),
        "package": account.package_balance,
        "plans_url": _address("plans"),
        "usage_url": _address("usage"),
        "settings_url": _address("settings"),
    }
    subject = ngettext(
        "%(remaining)s credit remaining", "%(remaining)s credits remaining", alert.remaining
    ) % {"remaining": localize(alert.remaining)}
    with timezone.override(account.time_zone):
        text = render_to_string("credits/mail/low_credits.txt", context)
        html = render_to_string("credits/mail/low_credits.html", context)
    addresses = recipients.to_mail(alert.account_id)
    return mails.send_each(subject, text, html, addresses, f"warning {alert.pk}")


def _address(page: str) -> str:
    """A page's address on the web dashboard, which opens without Shopify's admin around it."""
    return f"{settings.APP_URL}{reverse(f'pages:{page}', current_app='web')}"


def unmailed(now: datetime) -> list[int]:
    """Warnings of the last billing cycle that should have been mailed and were not.

    The broker may have been away, or the mail server; what is older is no news any more.
    """
    left = LowCreditAlert.objects.filter(
        to_mail=True, mailed_at=None, created_at__gt=periods.cycle_before(now)
    )
    return list(left.order_by("pk").values_list("pk", flat=True))

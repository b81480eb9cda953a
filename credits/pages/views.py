"""The merchant's credit pages, the same on the web and inside Shopify's admin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core import signing
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from credits import ledger, periods, queries
from credits.models import Account, LedgerEntry
from credits.pages.forms import InstantForm
from credits.reports import charts, exports, history, receipts, spans, usage
from credits.reports.people import person_names
from ecomvance_app import clock
from ecomvance_app.http import MerchantRequest, public

MOST_USED = 3
# The seller's charges that entries came from, by the entries' ids; the ledger knows no seller.
DescribeCharges = Callable[[int, Iterable[LedgerEntry]], Mapping[int, Any]]


@require_safe
def usage_page(request: MerchantRequest) -> HttpResponse:
    """Where credits went in one month or billing period: by day, by tool, by person."""
    account, now = _booked(request)
    months, plan_periods = spans.months(account, now), spans.plan_periods(account)
    span = spans.choose(request.GET.get("span", ""), [*months, *plan_periods]) or months[0]
    report = spans.read(account, span)
    today = periods.local_day(now, account.time_zone)
    context = {
        "nav_active": "usage",
        "months": months,
        "plan_periods": plan_periods,
        "span": span,
        "report": report,
        "today": today,
        "yesterday": periods.days_later(today, -1),
        "most_used": usage.top(report.tools, MOST_USED),
        "people": _named(report.people),
        "chart": charts.by_day(report, span.first, max(span.first, min(span.last, today))),
        "export_url": f"{_url(request, 'ledger_export')}?span={span.value}",
    }
    return render(request, "credits/usage.html", context)


@require_safe
def ledger_page(request: MerchantRequest, describe_charges: DescribeCharges) -> HttpResponse:
    """Every entry with the running balance, and the balance at a past instant."""
    account, now = _booked(request)
    page = history.read_page(account.pk, _sequence(request, "before"), _sequence(request, "after"))
    names = person_names({entry.actor for entry in page.entries})
    charges = describe_charges(account.pk, page.entries)
    context = {
        "nav_active": "usage",
        "newer_url": _page_url(request, "after", page.newer_after),
        "older_url": _page_url(request, "before", page.older_before),
        "rows": [
            {
                "entry": entry,
                "charge": charges.get(entry.pk),
                "person": names[entry.actor],
                "total_after": entry.plan_after + entry.package_after,
            }
            for entry in page.entries
        ],
        "export_url": _url(request, "ledger_export"),
    }
    return render(request, "credits/ledger.html", context | _balance_at(request, account, now))


@require_safe
def entry_page(
    request: MerchantRequest,
    sequence: int,
    describe: exports.Describe,
    describe_charges: DescribeCharges,
) -> HttpResponse:
    """One entry: what it changed, what it belongs to, and for a spend what became of it."""
    account, _now = _booked(request)
    entry = history.get_entry(account.pk, sequence)
    if entry is None:
        raise Http404
    spend_id = entry.pk if entry.kind == LedgerEntry.Kind.SPEND else entry.restores_id
    run = describe([spend_id]).get(spend_id) if spend_id else None
    receipt = None
    if entry.kind == LedgerEntry.Kind.SPEND:
        receipt = receipts.read_receipt(account.pk, entry.pk, run.outcome if run else "")
    context = {
        "nav_active": "usage",
        "entry": entry,
        "charge": describe_charges(account.pk, [entry]).get(entry.pk),
        "person": person_names({entry.actor})[entry.actor],
        "receipt": receipt,
        "run": run,
    }
    return render(request, "credits/entry.html", context)


@require_safe
def ledger_export(request: MerchantRequest) -> HttpResponse:
    """Sends the browser to a fresh link for one month or billing period, or for everything."""
    account, now = _booked(request)
    asked = request.GET.get("span", "")
    span = spans.find(account, asked, now)
    if asked and span is None:
        raise Http404
    extent = span.extent if span else spans.everything(account, now)
    return HttpResponseRedirect(exports.link(account, extent))


@public
@require_safe
def export(request: HttpRequest, token: str, describe: exports.Describe) -> HttpResponseBase:
    """The CSV that a signed link names; 404 for a link that is forged, 410 for one too old."""
    try:
        account, extent = exports.open_link(token)
    except exports.LinkExpired:
        words = _("This link is older than 15 minutes. Go back to Usage and export again.")
        return HttpResponse(words, content_type="text/plain; charset=utf-8", status=410)
    except (signing.BadSignature, Account.DoesNotExist):
        raise Http404 from None
    asynchronous = isinstance(request, ASGIRequest)
    stream = exports.rows_async if asynchronous else exports.rows
    response = StreamingHttpResponse(
        stream(account, extent, describe), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{exports.file_name(extent)}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _booked(request: MerchantRequest) -> tuple[Account, datetime]:
    now = clock.now()
    return ledger.read_settled(request.account, now, is_fresh=True), now


def _sequence(request: MerchantRequest, name: str) -> int | None:
    value = request.GET.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 19 else None


def _page_url(request: MerchantRequest, name: str, sequence: int | None) -> str:
    if sequence is None:
        return ""
    return f"{_url(request, 'ledger')}?{name}={sequence}"


def _url(request: MerchantRequest, name: str) -> str:
    return reverse(f"pages:{name}", current_app=request.surface)


def _named(people: list[usage.Share]) -> list[dict[str, Any]]:
    names = person_names({share.name for share in people})
    return [{"name": names[share.name], "share": share} for share in people]


def _balance_at(request: MerchantRequest, account: Account, now: datetime) -> dict[str, Any]:
    """The form for an instant and, when it names one that has come, the balance then."""
    form = InstantForm(request.GET if "at" in request.GET else None)
    if not form.is_bound or not form.is_valid():
        return {"instant_form": form}
    instant = form.cleaned_data["at"]
    if instant > now:
        form.add_error("at", _("Choose a time in the past."))
        return {"instant_form": form}
    plan, package = queries.balance_at(account.pk, instant)
    then = {"at": instant, "plan": plan, "package": package, "total": plan + package}
    return {"instant_form": form, "then": then}

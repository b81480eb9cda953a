"""What a request for an owner's word says: its title, its price of now, the mail to the owners."""

from __future__ import annotations

from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _

from credits.accounts import notices
from ecomvance_app import clock
from generations import catalog
from generations.models import Approval
from generations.runs import batches, quote
from generations.runs.batches import Together, charging
from generations.runs.outages import health


def title(approval: Approval) -> str:
    """The tool, and for a batch how many of it."""
    name = catalog.TOOLS[approval.tool].name
    if approval.charge is not None:
        said = {"tool": name, "count": localize(approval.order["items"])}
        if approval.charge["verb"] == charging.Verb.RETRY:
            return _("%(tool)s, %(count)s of a batch again") % said
        return _("%(tool)s, %(count)s more of a batch") % said
    if approval.together is None:
        return name
    count = len(approval.orders)
    return _("%(tool)s, a batch of %(count)s") % {"tool": name, "count": localize(count)}


def price_now(approval: Approval) -> int | None:
    """What it would cost at this moment; None where the tool cannot be started now."""
    route = health.route(approval.tool)
    if route.unavailable_reason:
        return None
    if approval.charge is not None:
        items, each = charging.price(
            approval.account_id, batches.Charge(**approval.charge), clock.now()
        )
        return items * each
    if not approval.orders:
        return None
    said = approval.orders[0]
    variant = catalog.find_variant(
        approval.tool, resolution=said["resolution"] or None, seconds=said["seconds"]
    )
    each = quote.price_now(variant, route.label)
    if approval.together is None:
        return each
    return each * Together(**approval.together).charged(len(approval.orders))


def tell_owners(approval: Approval) -> None:
    """Mail that somebody asks. The link opens the page and does nothing."""
    told = {
        "person": str(approval.requested_by or _("Somebody")),
        "tool": title(approval),
        "credits": localize(approval.price),
    }
    notices.tell(
        approval.account_id,
        notices.Kind.APPROVAL,
        str(approval.pk),
        subject=_("%(credits)s credits for %(tool)s: an owner is asked") % told,
        text=_(
            "%(person)s wants to run %(tool)s for %(credits)s credits. That is above your spending "
            "limit.\n\nNothing runs and nothing is charged until an owner says so. After 24 hours "
            "the request lapses."
        )
        % told,
        path=reverse("pages:approval", args=[approval.pk], current_app="web"),
        now=approval.created_at,
    )

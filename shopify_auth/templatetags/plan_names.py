"""The names of plans, for pages that know a charge."""

from __future__ import annotations

from django import template

from credits.models import Plan
from shopify_auth.models import Subscription

register = template.Library()


@register.filter
def plan_name(subscription: Subscription) -> str:
    """The name of the plan it was sold as; without such a plan, the charge's own name."""
    name = Plan.objects.filter(handle=subscription.handle).values_list("name", flat=True).first()
    return name or subscription.name

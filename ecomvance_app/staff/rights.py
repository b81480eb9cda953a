"""Who of the staff may do what: one table, from which a migration makes the groups.

docs/staff.md shows the same table. Whoever changes it adds a migration that calls `write_groups` again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.contrib.auth.models import Permission

SUPPORT, FINANCE, ADMIN = "support", "finance", "admin"
GROUPS = (SUPPORT, FINANCE, ADMIN)

LOOK = (
    "credits.view_account", "credits.view_ledgerentry", "credits.view_restorationcase",
    "credits.view_correction", "credits.view_incident", "credits.view_plan", "credits.view_package",
    "credits.view_outcomerule", "credits.view_dailyusage", "credits.view_lowcreditalert",
    "credits.view_lowcreditdefault", "credits.view_notice", "credits.view_staffact", "credits.view_ledgerpass",
    "generations.view_generation", "generations.view_enginehealth", "generations.view_engineswitch",
    "generations.view_engineroute", "generations.view_limitsetting", "generations.view_engineday", "generations.view_usageprice", "generations.view_problemreport",
    "generations.view_staffnotice",
    "shopify_auth.view_shop", "shopify_auth.view_person", "shopify_auth.view_membership",
    "shopify_auth.view_purchase", "shopify_auth.view_subscription", "shopify_auth.view_billingcheck",
    "shopify_auth.view_billingdifference", "shopify_auth.view_webhookdelivery",
    "shopify_auth.view_erasure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """Something that staff do, the permissions that it takes, and the groups that have them."""

    name: str
    permissions: tuple[str, ...]
    groups: tuple[str, ...]


ACTS = (
    Act("Search, read every page, export the record, check an account's ledger", LOOK, GROUPS),
    Act("Write notes", ("credits.add_staffact",), GROUPS),
    Act("Adjust a balance", ("credits.change_account",), GROUPS),
    Act("Decide restoration cases", ("credits.change_restorationcase",), (SUPPORT, ADMIN)),
    Act("Close problem reports", ("generations.change_problemreport",), (SUPPORT, ADMIN)),
    Act("See as merchant", ("credits.see_as_merchant",), (SUPPORT, ADMIN)),
    Act("Replay webhooks", ("shopify_auth.change_webhookdelivery",), (SUPPORT, ADMIN)),
    Act("Grant a plan", ("credits.grant_plan",), (FINANCE, ADMIN)),
    Act("Be the second person", ("credits.change_correction",), (FINANCE, ADMIN)),
    Act("Take a purchase's credits back", ("shopify_auth.change_purchase",), (FINANCE, ADMIN)),
    Act("Compare charges with Shopify", ("shopify_auth.change_billingcheck",), (FINANCE, ADMIN)),
    Act(
        "Change plans and packages",
        (
            "credits.add_plan",
            "credits.change_plan",
            "credits.add_package",
            "credits.change_package",
        ),
        (FINANCE, ADMIN),
    ),
    Act(
        "Change provider prices",
        (
            "generations.add_usageprice",
            "generations.change_usageprice",
            "generations.delete_usageprice",
        ),
        (FINANCE, ADMIN),
    ),
    Act("Make an incident good", ("credits.add_incident",), (ADMIN,)),
    Act("Change the outcome table", ("credits.change_outcomerule",), (ADMIN,)),
    Act(
        "Switch engines and set caps",
        (
            "generations.add_engineswitch",
            "generations.change_engineswitch",
            "generations.delete_engineswitch",
        ),
        (ADMIN,),
    ),
    Act(
        "Name the engines of tools",
        (
            "generations.add_engineroute",
            "generations.change_engineroute",
            "generations.delete_engineroute",
        ),
        (ADMIN,),
    ),
    Act(
        "Set limits and defaults for every account",
        (
            "generations.add_limitsetting",
            "generations.change_limitsetting",
            "generations.delete_limitsetting",
            "credits.change_lowcreditdefault",
        ),
        (ADMIN,),
    ),
    Act("Change people who are not staff", ("shopify_auth.change_person",), (ADMIN,)),
)


def permissions_of(group: str) -> set[str]:
    """Every permission of a group, as "app.codename"."""
    return {name for act in ACTS if group in act.groups for name in act.permissions}


def write_groups(apps: Apps) -> None:
    """Make the groups what the table says. Their members stay."""
    group_model = apps.get_model("auth", "Group")
    for name in GROUPS:
        group, _is_new = group_model.objects.get_or_create(name=name)
        group.permissions.set([_permission(apps, label) for label in permissions_of(name)])


def _permission(apps: Apps, label: str) -> Permission:
    """The permission; Django itself makes them only after the last migration."""
    app_label, codename = label.split(".")
    model = _MODELS.get(codename, codename.rsplit("_", 1)[-1])
    kind, _is_new = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label=app_label, model=model
    )
    permission: Permission
    permission, _is_new = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind,
        codename=codename,
        defaults={"name": _NAMES.get(codename, "Can " + codename.replace("_", " "))},
    )
    return permission


# Permissions of accounts that are not named after a model.
_MODELS = {"grant_plan": "account", "see_as_merchant": "account"}
_NAMES = {
    "grant_plan": "Can grant a plan",
    "see_as_merchant": "Can see what a merchant sees",
}

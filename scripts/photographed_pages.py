"""Which pages `scripts/screenshots` photographs, by name, and in which states of the demo store."""

from __future__ import annotations

WARNED = ("home", "tools", "usage")
EVERYTHING = (
    "home", "popover", "tools", "tool", "mask-tool", "scene-tool", "words-tool", "placeholder-tool",
    "batches", "new-batch", "assist", "approvals", "gallery", "gallery-list", "run", "failed-run",
    "timed-out-run", "declined-run", "restored-run", "cancelled-run", "usage", "period", "ledger",
    "instant", "entry", "plans", "prices", "settings", "settings-errors", "spending", "zone", "data",
    "connection", "people", "accounts", "connect", "sign-in", "sign-up", "staff-start", "staff-account",
    "staff-change", "staff-adjust", "staff-cases", "staff-reports", "staff-operations", "staff-incident",
    "staff-entries", "staff-search", "staff-default", "staff-record", "staff-person", "admin-home", "admin-tools", "admin-tool", "admin-new-batch",
    "admin-gallery", "admin-assist", "admin-usage", "admin-plans", "admin-settings", "admin-people",
)  # fmt: skip
STATES = {
    "new": ("home", "tools", "gallery", "usage", "ledger"),
    "history": EVERYTHING,
    "low": WARNED,
    "below-cheapest": WARNED,
    "zero": (*WARNED, "tool", "assist", "new-batch", "plans", "admin-home"),
    "trial-day-5": ("home", "popover", "usage"),
    "trial-last-day": ("home",),
    "trial-zero": WARNED,
    "trial-ended": WARNED,
    "quiet-month": ("home", "usage"),
    # Its pages ask Shopify, which ends the state: Home first.
    "renewal-pending": ("home", "popover", "tool", "usage", "plans"),
    "cancelling": ("home", "popover", "usage", "plans", "admin-plans"),
    "frozen": (
        "home",
        "popover",
        "tool",
        "usage",
        "plans",
        "settings",
        "admin-home",
        "admin-plans",
    ),
}

ADDRESSES = {
    "home": "/dashboard/",
    "tools": "/dashboard/tools",
    "tool": "/dashboard/tools/background-removal",
    "gallery": "/dashboard/gallery",
    "usage": "/dashboard/usage",
    "ledger": "/dashboard/usage/ledger",
    "plans": "/dashboard/plans",
    "settings": "/dashboard/settings",
    "mask-tool": "/dashboard/tools/object-removal",
    "scene-tool": "/dashboard/tools/product-placement",
    "words-tool": "/dashboard/tools/description-generator",
    "placeholder-tool": "/dashboard/tools/shoe-try-on",
    "batches": "/dashboard/batches",
    "new-batch": "/dashboard/batches/new",
    "assist": "/dashboard/assist",
    "approvals": "/dashboard/approvals",
    "gallery-list": "/dashboard/gallery?layout=list",
    "prices": "/dashboard/prices",
    "spending": "/dashboard/settings/spending",
    "zone": "/dashboard/settings/zone",
    "data": "/dashboard/settings/data",
    "connection": "/dashboard/settings/connection",
    "people": "/dashboard/settings/people",
    "accounts": "/dashboard/accounts",
    "connect": "/dashboard/connect",
    "sign-up": "/dashboard/sign-in/signup/",
}

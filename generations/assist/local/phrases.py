"""What the guide makes of looked-up data: short sentences, the same figures as on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

Data = Mapping[str, Any]
_MOST_FITS = 14


def credits_of(amount: int) -> str:
    """An amount with its unit."""
    words = ngettext("%(amount)s credit", "%(amount)s credits", amount)
    return words % {"amount": localize(amount)}


def balance(data: Data) -> str:
    """What the account holds."""
    sentence = _("You have %(total)s: %(plan)s from plan, %(package)s from package.")
    told = sentence % {
        "total": credits_of(data["total"]),
        "plan": localize(data["plan"]),
        "package": localize(data["package"]),
    }
    return f"{told} {_when(data)}".strip()


def reset(data: Data) -> str:
    """When plan credits reset, and what package credits do."""
    never = _("Package credits never expire.")
    return f"{_when(data) or _('No plan period is running, so nothing resets.')} {never}"


def _when(data: Data) -> str:
    if data["renewal_pending"]:
        return _("Your plan's renewal is being confirmed.")
    if not data["resets_at"]:
        return ""
    told = f"{data['at_end']} {data['resets_at_text']}."
    if data["trial_day"]:
        day = _("This is day %(day)s of %(days)s of your trial.")
        told += " " + day % {"day": data["trial_day"], "days": data["trial_days"]}
    return told


def charge(data: Data) -> str:
    """One charge: when, what for, the split, the outcome and the rule."""
    if not data["found"]:
        return _("I find no such charge in your ledger.")
    what = ", ".join(part for part in (data["tool"], data["size"], data["product"]) if part)
    sentence = _("%(at)s, %(what)s: %(credits)s (%(plan)s from plan, %(package)s from package).")
    told = sentence % {
        "at": data["at_text"],
        "what": what,
        "credits": credits_of(data["credits"]),
        "plan": localize(data["plan"]),
        "package": localize(data["package"]),
    }
    lines = [told]
    if data["outcome"] or data["state"]:
        lines.append(_("Outcome: %(outcome)s.") % {"outcome": data["outcome"] or data["state"]})
    if data["rule"]:
        lines.append(_("Rule: %(rule)s") % {"rule": data["rule"]})
    if data["meaning"]:
        lines.append(data["meaning"])
    if data["run"]:
        lines.append(_("If something is wrong with it, report a problem on the run's page."))
    return "\n\n".join(lines)


def what_fits(data: Data) -> str:
    """How many runs an amount pays for, by tool."""
    some = [one for one in data["fits"] if one["runs"]]
    amount = credits_of(data["credits"])
    if not some:
        return _("%(amount)s: not enough for any tool.") % {"amount": amount}
    lines = [f"- {_fit(one)}" for one in sorted(some, key=lambda one: one["credits"])[:_MOST_FITS]]
    lead = _("With %(amount)s you can make one of these:") % {"amount": amount}
    return f"{lead}\n\n" + "\n".join(lines)


def _fit(one: Data) -> str:
    name = f"{one['name']}, {one['choice']}" if one["choice"] else one["name"]
    sentence = ngettext(
        "%(runs)s × %(name)s at %(credits)s credit", "%(runs)s × %(name)s at %(credits)s credits",
        one["credits"],
    )  # fmt: skip
    return sentence % {
        "runs": localize(one["runs"]),
        "name": name,
        "credits": localize(one["credits"]),
    }


def prices(data: Data) -> str:
    """The prices of one tool, or of all."""
    lines = []
    for tool in data["tools"]:
        told = f"{tool['name']}: {_choices(tool['prices'])}"
        lines.append(told if tool["available"] else f"{told}. {tool['reason']}")
    return "\n".join(f"- {line}" for line in lines) if len(lines) > 1 else "".join(lines)


def _choices(listed: list[Data]) -> str:
    return " · ".join(
        f"{one['choice']} {credits_of(one['credits'])}".strip()
        if one["credits"]
        else f"{one['choice']} {_('free')}".strip()
        for one in listed
    )


def usage(data: Data) -> str:
    """What was used in so many days."""
    days = ngettext("in the last %(days)s day", "in the last %(days)s days", data["days"])
    days %= {"days": localize(data["days"])}
    if not data["tools"]:
        return _("You used no credits %(days)s.") % {"days": days}
    lead = _("You used %(used)s %(days)s:") % {"used": credits_of(data["used"]), "days": days}
    lines = [
        f"- {one['tool']} × {localize(one['runs'])}: {credits_of(one['credits'])}"
        f" ({localize(one['percent'])} %)"
        for one in data["tools"]
    ]
    return f"{lead}\n\n" + "\n".join(lines)


def runs(data: Data) -> str:
    """The newest runs."""
    if not data["runs"]:
        return _("I find no such run.")
    lines = []
    for one in data["runs"]:
        told = ", ".join(part for part in (one["at_text"], one["tool"], one["product"]) if part)
        told = f"- {told}: {one['state']}, {credits_of(one['credits'])}"
        lines.append(f"{told}. {one['message']}" if one["message"] else told)
    return "\n".join(lines)


def plans(data: Data) -> str:
    """What is on sale."""
    lines = []
    if data["present"]:
        lines += [_("You have the plan %(name)s.") % {"name": data["present"]}, ""]
    lines.append(_("Plans, every 30 days:"))
    lines += [f"- {_offer(one)}" for one in data["plans"]]
    lines += ["", _("Packages, once:")]
    lines += [f"- {_offer(one)}" for one in data["packages"]]
    lines += [
        "",
        _("The page Plans shows the price that Shopify will charge. Purchases are final."),
    ]
    return "\n".join(lines)


def _offer(one: Data) -> str:
    sentence = _("%(name)s: %(credits)s for %(usd)s USD")
    return sentence % {
        "name": one["name"],
        "credits": credits_of(one["credits"]),
        "usd": one["usd"],
    }


def passages(data: Data) -> str:
    """What the help says, the best first."""
    return "\n\n".join(one["text"] for one in data["passages"])


def proposal(tool: str, product: str, quote: Data) -> str:
    """The line above a card."""
    what = f"{tool}, {product}" if product else tool
    if not quote["credits"]:
        return _("Here is %(what)s. It is free. Press Run to start it.") % {"what": what}
    if not quote["affordable"]:
        short = credits_of(quote["credits"] - quote["available"])
        sentence = _("Here is %(what)s for %(credits)s. You need %(short)s more to run it.")
        told = {"what": what, "credits": credits_of(quote["credits"]), "short": short}
        return sentence % told
    sentence = _("Here is %(what)s for %(credits)s. Nothing is charged until you press Run.")
    return sentence % {"what": what, "credits": credits_of(quote["credits"])}

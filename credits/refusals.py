"""Why the product says no: one base for every refusal, and the ledger's own."""

from __future__ import annotations

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class Refusal(Exception):  # noqa: N818 - the base of everything that says no
    """What was asked for is not done; nothing was stored or charged.

    The text is a sentence for whoever asked. `code` names the reason for programs, `status` is
    HTTP's, `field` is the input that is wrong. One handler makes JSON of every refusal
    (`ecomvance_app.api.errors`), one makes a page of it (`ecomvance_app.http.answer_refusal`).
    """

    code = "refused"
    status = 422
    field = ""

    def __init__(self, sentence: str, code: str = "", field: str = "", status: int = 0) -> None:
        super().__init__(sentence)
        self.code = code or self.code
        self.field = field or self.field
        self.status = status or self.status

    @property
    def details(self) -> dict[str, int | str]:
        """What a program can act on, beside the code."""
        return {"field": self.field} if self.field else {}


class LedgerError(Exception):
    """A request that the ledger refused; nothing was written."""


class InsufficientCredits(LedgerError, Refusal):  # noqa: N818 - the product document's word for it
    """Both buckets together (or the one adjusted) cannot cover what was asked."""

    code = "insufficient_credits"
    status = 402

    def __init__(self, needed: int, available: int) -> None:
        self.needed = needed
        self.available = available
        sentence = ngettext(
            "%(needed)s credits are needed and you have %(available)s: %(short)s is missing. "
            "Nothing was charged.",
            "%(needed)s credits are needed and you have %(available)s: %(short)s are missing. "
            "Nothing was charged.",
            self.short_by,
        )
        super().__init__(
            sentence
            % {
                "needed": localize(needed),
                "available": localize(available),
                "short": localize(self.short_by),
            }
        )

    @property
    def short_by(self) -> int:
        """How many credits are missing."""
        return self.needed - self.available

    @property
    def details(self) -> dict[str, int | str]:
        return {"needed": self.needed, "available": self.available, "short_by": self.short_by}


class KeyConflict(LedgerError, Refusal):  # noqa: N818 - reads as the standard term
    """The idempotency key was used before for something else."""

    code = "idempotency_key_conflict"
    status = 409

    def __init__(self, key: str) -> None:
        super().__init__(
            _("This idempotency key was used before for something else. Nothing was charged.")
        )
        self.key = key


class UnknownAccount(LedgerError, ValueError):  # noqa: N818
    """There is no account with this id."""


class UnknownSpend(LedgerError, ValueError):  # noqa: N818
    """There is no such entry, or it is not a spend."""


class UnknownPlan(LedgerError, ValueError):  # noqa: N818
    """There is no plan with this handle."""


class AlreadyRestored(LedgerError, ValueError):  # noqa: N818
    """The spend has been restored before, under another key."""


class NothingToRestore(LedgerError, ValueError):  # noqa: N818
    """No part of the spend fits any bucket any more; no entry was written."""


class StalePeriod(LedgerError, ValueError):  # noqa: N818
    """The billing period is over, empty, or older than the one running."""

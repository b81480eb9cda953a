"""Forms of the merchant's credit pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.forms.fields import BaseTemporalField
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credits.accounts import alerts, notices, recipients, zones
from credits.arguments import MAX_CREDITS
from credits.models import Account, AlertRecipient
from ecomvance_app.addresses import check_instant

MOST_RECIPIENTS = 10


def _zones() -> list[str]:
    """The zones that people choose from: places, and UTC."""
    named = {zone for zone in available_timezones() if "/" in zone}
    return ["UTC", *sorted(zone for zone in named if not zone.startswith("Etc/"))]


class _InstantField(forms.DateTimeField):
    """A local time of the active zone; of one that a clock change makes doubtful, the later instant.

    In autumn a time comes twice and the second is meant; in spring one is skipped, and what a clock
    that was not put forward calls so is meant.
    """

    def to_python(self, value: Any) -> datetime | None:
        """The instant; one that no zone has, such as year 1's, is no valid time."""
        instant = self._read(value)
        try:
            return None if instant is None else check_instant(instant)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def _read(self, value: Any) -> datetime | None:
        try:
            instant: datetime | None = super().to_python(value)
        except ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
        else:
            return instant
        naive: datetime = BaseTemporalField.to_python(self, value)  # type: ignore[assignment]
        zone = timezone.get_current_timezone()
        return max(naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


class InstantForm(forms.Form):
    """A past instant, in the account's time zone."""

    at = _InstantField(
        label=_("Balance at"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )


class NotificationForm(forms.Form):
    """When the low-credit warning comes, which mails are sent, and to whom."""

    threshold = forms.IntegerField(
        label=_("Warn at or below"),
        required=False,
        min_value=0,
        max_value=MAX_CREDITS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Send an email when"),
        required=False,
        choices=[(kind.value, words) for kind, words in notices.EXPLAINED.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    recipients = forms.CharField(
        label=_("Email addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "One address per line. A new address first gets an email with a link to agree. Leave it "
            "empty to get no emails."
        ),
    )

    def __init__(self, account: Account, *args: Any, own: str = "", **kwargs: Any) -> None:
        self.account = account
        self.own = own
        kwargs.setdefault("initial", self._stored())
        super().__init__(*args, **kwargs)
        default = alerts.threshold(None, account.allocation)
        self.fields["threshold"].help_text = gettext(
            "Credits. Leave it empty for the default of your plan, %(default)s."
        ) % {"default": localize(default)}

    def clean_recipients(self) -> list[str]:
        """The addresses, each once, in lower case."""
        lines = str(self.cleaned_data["recipients"]).splitlines()
        addresses = list(dict.fromkeys(line.strip().lower() for line in lines if line.strip()))
        if len(addresses) > MOST_RECIPIENTS:
            raise ValidationError(
                gettext("At most %(most)s addresses.") % {"most": localize(MOST_RECIPIENTS)}
            )
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError:
                message = gettext("“%(address)s” is not an email address.")
                raise ValidationError(message % {"address": address}) from None
        return addresses

    def save(self) -> list[AlertRecipient]:
        """Keep all of it; returns the addresses that have to be asked."""
        with transaction.atomic():
            alerts.set_threshold(self.account.pk, self.cleaned_data["threshold"])
            notices.choose(self.account.pk, self.cleaned_data["kinds"])
            return recipients.replace(self.account.pk, self.cleaned_data["recipients"], self.own)

    def _stored(self) -> dict[str, Any]:
        known = AlertRecipient.objects.filter(account=self.account, enabled=True)
        return {
            "threshold": self.account.low_threshold,
            "kinds": notices.kinds_on(self.account.pk),
            "recipients": "\n".join(known.order_by("email").values_list("email", flat=True)),
        }


class ZoneForm(forms.Form):
    """The zone of the account's days; empty to follow the store."""

    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)

    def __init__(self, account: Account, *args: Any, has_store: bool, **kwargs: Any) -> None:
        chosen = account.time_zone if account.time_zone_chosen or not has_store else ""
        kwargs.setdefault("initial", {"time_zone": chosen})
        super().__init__(*args, **kwargs)
        field = cast("forms.ChoiceField", self.fields["time_zone"])
        names = [(name, name.replace("_", " ")) for name in _zones()]
        field.choices = [("", gettext("As in Shopify")), *names] if has_store else names

    def clean_time_zone(self) -> str:
        """A zone that the database has too; what it does not have would count as UTC."""
        zone = str(self.cleaned_data["time_zone"])
        if zone and zones.usable_zone(zone) != zone:
            raise ValidationError(gettext("This time zone cannot be used yet. Choose another."))
        return zone


class LimitForm(forms.Form):
    """Above how many credits an owner wants to be asked."""

    ask_above = forms.IntegerField(
        label=_("Ask an owner above"),
        required=False,
        min_value=0,
        max_value=MAX_CREDITS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        help_text=_("Credits, for a run, or for a batch by its sum. Leave it empty for no limit."),
    )

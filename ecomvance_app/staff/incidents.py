"""An incident is made good: the window, then who and how much, then once; interrupted, it goes on.

Work is cut into slices of some seconds, so that no request runs for long. Every run is a transaction
of its own; a page that was lost half-way leads on with one button.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from credits import staff_acts
from credits.admin.recorded import staff_id
from credits.admin.server_keys import ServerKeyField
from credits.models.corrections import Incident
from credits.outcomes import incidents
from ecomvance_app import clock
from ecomvance_app.staff.rooms import render_page, staff_page
from generations.catalog import TOOLS
from generations.models import Generation

LONGEST = timedelta(days=7)
SECONDS_AT_ONCE = 10.0
_CHUNK = 200
_OUTCOMES = [
    (str(outcome.value), str(outcome.label))
    for outcome in (
        Generation.Outcome.PLATFORM_ERROR,
        Generation.Outcome.PROVIDER_ERROR,
        Generation.Outcome.TIMEOUT,
        Generation.Outcome.CONTENT_POLICY,
        Generation.Outcome.INVALID_INPUT,
    )
]
_USUAL = ["platform_error", "provider_error", "timeout"]


class _Moment(forms.SplitDateTimeField):
    """A day and a time, chosen with the browser's own controls."""

    def __init__(self, **options: Any) -> None:
        day: dict[str, Any] = {"type": "date", "aria-label": gettext_lazy("Day")}
        hour: dict[str, Any] = {"type": "time", "step": "1", "aria-label": gettext_lazy("Time")}
        widget = forms.SplitDateTimeWidget(
            date_format="%Y-%m-%d", time_format="%H:%M:%S", date_attrs=day, time_attrs=hour
        )
        widget.template_name = "staff/_moment.html"
        super().__init__(widget=widget, **options)


class IncidentForm(forms.Form):
    """When what failed, and the sentence that merchants read."""

    began_at = _Moment(label=gettext_lazy("From"), help_text=gettext_lazy("Day and time, UTC"))
    ended_at = _Moment(label=gettext_lazy("To"), help_text=gettext_lazy("Day and time, UTC"))
    tool = forms.ChoiceField(
        label=gettext_lazy("Tool"),
        required=False,
        choices=[
            ("", gettext_lazy("All tools")),
            *((slug, tool.name) for slug, tool in TOOLS.items()),
        ],
    )
    engine = forms.CharField(
        label=gettext_lazy("Engine"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("As on the engines' page, such as google or local. Empty: all."),
    )
    outcomes = forms.MultipleChoiceField(
        label=gettext_lazy("Kinds of failure"),
        choices=_OUTCOMES,
        initial=_USUAL,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Platform errors are restored. Others get a goodwill adjustment in the package bucket."
        ),
    )
    words = forms.CharField(
        label=gettext_lazy("What happened"),
        max_length=300,
        initial=gettext_lazy("Our image service failed."),
        help_text=gettext_lazy(
            "One sentence. Merchants read it on their page and beside each entry."
        ),
    )
    key = ServerKeyField()

    def clean(self) -> dict[str, Any]:
        """A window that has a length, is over, and is no longer than a week."""
        data = super().clean() or {}
        began, ended = data.get("began_at"), data.get("ended_at")
        if began and ended:
            if not began < ended <= clock.now():
                raise ValidationError(_("The window ends after it began, and not in the future."))
            if ended - began > LONGEST:
                raise ValidationError(_("A window is a week long at most."))
        return data

    def incident(self, person_id: int, now: datetime) -> Incident:
        """The valid form as an incident that is not stored."""
        fields = {name: self.cleaned_data[name] for name in self.fields}
        return Incident(made_by=person_id, made_at=now, **fields)


@dataclass(frozen=True, slots=True)
class Share:
    """How many runs of one kind of failure wait to be made good, and what they cost."""

    outcome: str
    runs: int
    credits: int


def affected(incident: Incident) -> QuerySet[Generation]:
    """Paid runs that failed so in the window and that nobody has made good or refused yet."""
    runs = Generation.objects.filter(
        state=Generation.State.FAILED,
        finished_at__gte=incident.began_at,
        finished_at__lt=incident.ended_at,
        outcome__in=incident.outcomes,
        spend__isnull=False,
        spend__restoration=None,
        spend__incident_run=None,
    ).exclude(spend__case__state="declined")
    if incident.tool:
        runs = runs.filter(tool=incident.tool)
    return runs.filter(engine=incident.engine) if incident.engine else runs


def shares(incident: Incident) -> list[Share]:
    """What waits, by kind of failure."""
    rows = affected(incident).values("outcome").annotate(runs=Count("pk"), credits=Sum("price"))
    labels = dict(Generation.Outcome.choices)
    return [
        Share(str(labels[row["outcome"]]), row["runs"], row["credits"])
        for row in rows.order_by("outcome")
    ]


def go_on(incident: Incident, staff: Any, now: datetime) -> bool:
    """Make runs good for some seconds; True when every one was looked at."""
    until = time.monotonic() + SECONDS_AT_ONCE
    for run in _waiting(incident):
        if time.monotonic() > until:
            return False
        if run.spend_id is not None:
            incidents.make_good(incident, run.spend_id, run.outcome, staff, now)
    Incident.objects.filter(pk=incident.pk, done_at=None).update(done_at=now)
    return True


def _waiting(incident: Incident) -> Iterator[Generation]:
    """The affected runs in the order in which they ended, a chunk at a time."""
    after: Generation | None = None
    while True:
        runs = affected(incident)
        if after is not None:
            later = Q(finished_at__gt=after.finished_at)
            runs = runs.filter(later | Q(finished_at=after.finished_at, pk__gt=after.pk))
        chunk = list(runs.order_by("finished_at", "pk")[:_CHUNK])
        yield from chunk
        if len(chunk) < _CHUNK:
            return
        after = chunk[-1]


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page("credits.add_incident")
def new(request: HttpRequest) -> HttpResponse:
    """The window; its preview of count and credits; then once."""
    form = IncidentForm(request.POST or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        draft = form.incident(staff_id(request), clock.now())
        if "confirm" in request.POST:
            return _begin(request, draft)
        context["shares"] = found = shares(draft)
        context["runs"] = sum(share.runs for share in found)
        context["credits"] = sum(share.credits for share in found)
        context["accounts"] = affected(draft).values("account").distinct().count()
    return render_page(request, "staff/incident_new.html", _("Make an incident good"), context)


def _begin(request: HttpRequest, draft: Incident) -> HttpResponse:
    names = ("began_at", "ended_at", "tool", "engine", "outcomes", "words", "made_by", "made_at")
    with transaction.atomic():
        incident, is_new = Incident.objects.get_or_create(
            key=draft.key, defaults={name: getattr(draft, name) for name in names}
        )
        if is_new:
            staff_acts.record(
                staff_id(request), "incident made good", incident, words=incident.words
            )
    return _work(request, incident)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page("credits.view_incident")
def page(request: HttpRequest, incident_id: int) -> HttpResponse:
    """What the incident gave, what still waits, and the button that goes on."""
    incident = get_object_or_404(Incident, pk=incident_id)
    may_go_on = request.user.has_perm("credits.add_incident")
    if request.method == "POST":
        if not may_go_on:
            return HttpResponse(_("This takes the right to make incidents good."), status=403)
        return _work(request, incident)
    context = {
        "incident": incident,
        "given": incidents.given(incident),
        "shares": shares(incident),
        "may_go_on": may_go_on,
    }
    return render_page(request, "staff/incident.html", _("Incident"), context)


def _work(request: HttpRequest, incident: Incident) -> HttpResponse:
    if go_on(incident, request.user, clock.now()):
        messages.success(request, _("Every run was looked at."))
    else:
        messages.warning(request, _("There is more to do: go on."))
    return HttpResponseRedirect(reverse("admin:staff_incident", args=[incident.pk]))

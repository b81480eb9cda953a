"""The component gallery: every component in every state on one page, for staff and in debug mode."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from ecomvance_app.http import public


class _SampleForm(forms.Form):
    name = forms.CharField(label=_("Name"), help_text=_("As your customers see it."))
    threshold = forms.IntegerField(label=_("Warn below"), min_value=0)
    note = forms.CharField(
        label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=[("en", "English"), ("de", "Deutsch")]
    )
    format = forms.ChoiceField(
        label=_("Format"), choices=[("png", "PNG"), ("webp", "WebP")], widget=forms.RadioSelect
    )
    mails = forms.BooleanField(label=_("Send emails"), required=False)


@public
def component_gallery(request: HttpRequest) -> HttpResponse:
    """Show the gallery; 404 for anybody but staff unless DEBUG is on."""
    user = getattr(request, "user", None)
    if not settings.DEBUG and not getattr(user, "is_staff", False):
        raise Http404
    return render(
        request,
        "gallery.html",
        {
            "untouched": _SampleForm(
                initial={"name": "Blue mug", "threshold": 300, "format": "png"}
            ),
            "refused": _SampleForm(
                {"name": "", "threshold": "-5", "language": "en"}, prefix="refused"
            ),
            "nav_active": "home",
        },
    )

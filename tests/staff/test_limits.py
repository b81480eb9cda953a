"""Staff set limits for every account: validated, previewed, recorded, and over the environment."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits.staff_acts import StaffAct
from generations import limits
from generations.assist import fair_use
from generations.models import LimitSetting
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
ADD = {"name": "assist_questions", "value": "2", "note": ""}


def add(client: Client, **form: str) -> Any:
    return client.post(reverse("admin:generations_limitsetting_add"), ADD | form)


def test_a_limit_is_previewed_and_holds_once_saved(chief: Client, owner: Merchant) -> None:
    assert "the limit is 2 a day instead of 100" in add(chief).text
    assert fair_use.read(owner.account, timezone.now()).most == 100

    assert add(chief, _confirmed="1").status_code == 302

    fair_use.take(owner.account, timezone.now())
    assert fair_use.take(owner.account, timezone.now()).remaining == 0
    with pytest.raises(fair_use.FairUseReached):
        fair_use.take(owner.account, timezone.now())
    assert StaffAct.objects.get().subject == "generations.limitsetting"


def test_a_limit_out_of_its_range_is_refused(chief: Client) -> None:
    refused = add(chief, value="0", _confirmed="1")

    assert "This limit lies between 1 and 10000." in refused.text
    assert not LimitSetting.objects.exists()


def test_without_a_row_the_environment_holds(settings: Any) -> None:
    settings.ASSIST_QUESTIONS_PER_DAY = 7

    assert limits.value("assist_questions") == 7
    assert limits.value("free_runs") == 20

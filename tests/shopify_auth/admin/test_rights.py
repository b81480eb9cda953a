"""Rights in the staff admin are given by superusers alone, and every act is recorded."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits.staff_acts import StaffAct
from shopify_auth.models import BillingDifference, Person, Shop
from tests.merchants import make_person, open_store
from tests.shopify_auth.webhooks.post import post

pytestmark = pytest.mark.django_db


def colleague(*permissions: str) -> tuple[Person, Client]:
    person = make_person("Casey")
    person.is_staff = True
    person.save()
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return person, client


def change_url(person: Person) -> str:
    return reverse("admin:shopify_auth_person_change", args=[person.pk])


NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
ALL_RIGHTS = {"is_staff": "on", "is_superuser": "on", "is_active": "on"}


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(Person.objects.create_superuser("sasha@example.com", "x", name="Sasha"))
    return client


def test_whoever_changes_people_cannot_make_himself_superuser():
    casey, client = colleague("change_person", "view_person")
    form = {"email": casey.email or "", "name": "Casey"} | ALL_RIGHTS | NO_MEMBERSHIPS

    assert client.post(change_url(casey), form).status_code == 403

    casey.refresh_from_db()
    assert not casey.is_superuser


def test_whoever_changes_people_gives_no_merchant_rights(owner):
    _casey, client = colleague("change_person", "view_person", "view_membership")
    form = {"email": "new@example.com", "name": "Olivia"} | ALL_RIGHTS | NO_MEMBERSHIPS

    assert client.post(change_url(owner.person), form).status_code == 302

    owner.person.refresh_from_db()
    assert owner.person.email == "new@example.com"
    assert not owner.person.is_staff
    assert not owner.person.is_superuser
    # The old address hears of it, and the new one signs nobody in before it is confirmed.
    [notice] = mail.outbox
    assert notice.to == ["olivia@example.com"]
    assert "new@example.com" in notice.body
    [address] = EmailAddress.objects.filter(user=owner.person)
    assert (address.email, address.verified) == ("new@example.com", False)


def test_a_merchant_hears_of_a_password_that_staff_have_set(superuser, owner):
    page = reverse("admin:auth_user_password_change", args=[owner.person.pk])
    form = {"password1": "x9-long-one", "password2": "x9-long-one", "usable_password": "true"}

    assert superuser.post(page, form).status_code == 302

    assert [message.to for message in mail.outbox] == [["olivia@example.com"]]
    assert StaffAct.objects.get().changed == ["password"]


@pytest.mark.parametrize("page", ["change", "password_change", "delete"])
def test_a_superuser_is_changed_by_superusers_alone(page):
    chief = Person.objects.create_superuser("sasha@example.com", "x", name="Sasha")
    _casey, client = colleague("change_person", "delete_person", "view_person")
    names = {
        "change": "admin:shopify_auth_person_change",
        "delete": "admin:shopify_auth_person_delete",
        "password_change": "admin:auth_user_password_change",
    }
    form = {"password1": "x9-long-one", "password2": "x9-long-one", "post": "yes"}

    assert client.post(reverse(names[page], args=[chief.pk]), form).status_code == 403

    chief.refresh_from_db()
    assert chief.check_password("x")


def test_a_superuser_gives_rights_and_it_is_an_act(superuser, owner):
    form = {"email": "olivia@example.com", "name": "Olivia", "is_staff": "on", "is_active": "on"}

    assert superuser.post(change_url(owner.person), form | NO_MEMBERSHIPS).status_code == 302

    owner.person.refresh_from_db()
    assert owner.person.is_staff
    act = StaffAct.objects.get()
    assert (act.act, act.subject_id) == ("changed", str(owner.person.pk))
    assert "is_staff" in act.changed


def test_memberships_are_read_there_and_changed_nowhere(superuser, owner):
    membership = owner.person.memberships.get()
    form = {"email": "olivia@example.com", "name": "Olivia", "is_active": "on"}
    rows = {
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": membership.pk, "memberships-0-person": owner.person.pk,
        "memberships-0-account": owner.account.pk, "memberships-0-role": "viewer",
        "memberships-0-DELETE": "on",
    }  # fmt: skip

    page = superuser.get(change_url(owner.person)).text
    superuser.post(change_url(owner.person), form | rows)

    assert "memberships-0-role" not in page
    assert owner.person.memberships.get().role == membership.role


def test_groups_are_for_superusers(superuser):
    group = Group.objects.create(name="Support")
    _casey, client = colleague("change_group", "view_group", "add_group")

    page = reverse("admin:auth_group_change", args=[group.pk])
    assert client.get(page).status_code == 403
    assert superuser.get(page).status_code == 200


def test_addresses_and_second_factors_are_nobodys_to_edit(superuser):
    for path in ("account/emailaddress/", "mfa/authenticator/"):
        assert superuser.get(f"/staff/{path}").status_code == 404


def test_comparisons_differences_and_replays_are_acts(superuser):
    store = open_store("olivia.myshopify.com")
    shop = Shop.objects.get(domain=store.domain)
    difference = BillingDifference.objects.create(
        shop=shop, kind=BillingDifference.Kind.values[0], gid="gid://1", noticed_at=timezone.now()
    )
    post("app/scopes_update", webhook_id="one")
    delivery = shop.webhook_deliveries.model.objects.get()

    for model, act, row in (
        ("billingdifference", "compare", difference),
        ("billingdifference", "resolve", difference),
        ("webhookdelivery", "replay", delivery),
    ):
        form = {"action": act, "_selected_action": [str(row.pk)]}
        superuser.post(f"/staff/shopify_auth/{model}/", form)

    recorded = list(StaffAct.objects.order_by("pk").values_list("act", "subject_id"))
    assert recorded == [
        ("charges compared", str(shop.pk)),
        ("difference dealt with", str(difference.pk)),
        ("webhook replayed", str(delivery.pk)),
    ]

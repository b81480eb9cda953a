"""No link of the staff's room leads a colleague where their group may not go, nor to an error."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from ecomvance_app.staff.rights import GROUPS
from generations.models import Generation
from tests.merchants import Merchant, make_person
from tests.staff.test_rights import member

pytestmark = pytest.mark.django_db
LINK = re.compile(r'<a\s[^>]*href="([^"]+)"')
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


def shape(address: str) -> str:
    """An address without its ids and its search: one of each is enough."""
    return ID.sub("N", address.partition("?")[0])


def links(page: str, address: str) -> list[str]:
    """Where a page leads within the staff's room, files left out."""
    found = []
    for href in LINK.findall(page):
        target = urlsplit(urljoin(address, href.replace("&amp;", "&")))
        if not target.netloc and target.path.startswith("/staff/") and ".csv" not in target.path:
            found.append(f"{target.path}?{target.query}" if target.query else target.path)
    return found


def walk(client: Client) -> dict[str, int]:
    """Every kind of page that is reached by links from the start, with its status."""
    answers: dict[str, int] = {}
    waiting, seen = ["/staff/"], set[str]()
    while waiting:
        address = waiting.pop(0)
        if shape(address) in seen:
            continue
        seen.add(shape(address))
        answer = client.get(address, follow=True)
        answers[address] = answer.status_code
        if not answer.streaming and answer["Content-Type"].startswith("text/html"):
            waiting += links(answer.text, address)
    return answers


@pytest.mark.parametrize("group", GROUPS)
def test_no_link_is_refused(owner: Merchant, failed_run: Generation, group: str) -> None:
    colleague = make_person("Chris")
    colleague.is_staff = True
    colleague.save()
    colleague.groups.add(Group.objects.get(name=group))

    answers = walk(member(group))

    assert len(answers) > 40
    assert {address: status for address, status in answers.items() if status != 200} == {}

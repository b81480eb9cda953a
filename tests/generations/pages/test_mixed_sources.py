"""Products of the store, earlier images and uploads in one run, in the order of the page's list."""

from __future__ import annotations

from typing import Any

import pytest

from credits import ledger
from credits.accounts import limits
from generations.engines import registry
from generations.models import Approval, Generation, Picture
from generations.runs import worker
from shopify_auth.models import Membership
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.generations.mug_store import OneMug, upload
from tests.merchants import Merchant, make_person

pytestmark = pytest.mark.django_db
PAGE = "/dashboard/tools"
MUG = f"{OneMug.mug.id} 7"
# Widths by which each source is known again; the store's photo is 480 pixels wide.
OF_THE_STORE, OF_A_RESULT = 480, 400


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Engine:
    settings.PRODUCT_SOURCE = "tests.generations.mug_store.OneMug"
    engine = Engine()
    for slug in ("product-placement", "background-removal"):
        monkeypatch.setitem(registry.LOCAL, slug, engine)
    return engine


@pytest.fixture
def owner(owner: Merchant) -> Merchant:
    ledger.add_package(owner.account.pk, 1_000, "test-package")
    return owner


@pytest.fixture
def result(owner: Merchant, engine: Engine) -> Picture:
    """A picture that an earlier run has made."""
    owner.client.post(f"{PAGE}/background-removal", {"key": "earlier", "image": photo("vase", 360)})
    run = Generation.objects.get()
    worker.run(str(run.pk))
    return run.pictures.get(role=Picture.Role.OUTPUT)


def photo(name: str, width: int) -> Any:
    return upload(samples.quarters(width, 330), f"{name}.png")


def place(client: Any, chosen: list[str], *images: Any, key: str = "mixed", **more: str) -> Any:
    sent = {"key": key, "resolution": "1K", "chosen": chosen, "image": list(images), **more}
    return client.post(
        f"{PAGE}/product-placement", sent, headers={"HX-Request": "true"}
    )  # fmt: skip


def widths(run: Generation) -> list[int | None]:
    inputs = run.pictures.filter(role=Picture.Role.INPUT).order_by("position")
    return list(inputs.values_list("width", flat=True))


def placement() -> Generation:
    return Generation.objects.filter(tool="product-placement").latest("created_at")


def all_four(result: Picture) -> list[str]:
    return ["upload 1", MUG, f"result {result.pk}", "upload 0"]


def test_all_three_kinds_go_into_one_run_in_the_lists_order(
    owner: Merchant, result: Picture
) -> None:
    answer = place(owner.client, all_four(result), photo("cup", 340), photo("jug", 350))

    assert answer.status_code == 201
    run = placement()
    assert widths(run) == [350, OF_THE_STORE, OF_A_RESULT, 340]
    names = run.pictures.filter(role=Picture.Role.INPUT).order_by("position")
    assert list(names.values_list("name", flat=True)) == ["jug.png", "", "vase.png", "cup.png"]
    assert (run.product_id, run.product_title) == (OneMug.mug.id, "Enamel mug")
    worker.run(str(run.pk))
    run.refresh_from_db()
    assert run.state == "succeeded"


def test_without_scripts_the_uploads_come_after_what_is_ticked(
    owner: Merchant, result: Picture
) -> None:
    sent = {"key": "plain", "resolution": "1K", "photo": [MUG, f"result {result.pk}"]}

    answer = owner.client.post(f"{PAGE}/product-placement", sent | {"image": [photo("cup", 340)]})

    assert answer.status_code == 302
    assert widths(placement()) == [OF_THE_STORE, OF_A_RESULT, 340]


def test_a_tool_of_one_picture_takes_the_upload(owner: Merchant, engine: Engine) -> None:
    sent = {"key": "one", "photo": MUG, "image": photo("cup", 340)}

    owner.client.post(f"{PAGE}/background-removal", sent)

    assert widths(Generation.objects.get()) == [340]


def test_all_kinds_count_towards_the_tools_number(owner: Merchant, result: Picture) -> None:
    before = owner.total
    files = [photo(f"cup {number}", 300 + number) for number in range(13)]

    answer = place(owner.client, [MUG, f"result {result.pk}"], *files)

    assert answer.status_code == 422
    assert "at most 14 images, not 15" in answer.content.decode()
    assert (Generation.objects.count(), owner.total) == (1, before)


def test_the_same_click_is_one_run_and_another_order_is_refused(
    owner: Merchant, result: Picture
) -> None:
    order = all_four(result)
    before = owner.total
    for _click in range(2):
        answer = place(owner.client, order, photo("cup", 340), photo("jug", 350))
        assert answer.status_code == 201
    assert (Generation.objects.count(), before - owner.total) == (2, placement().price)

    moved = place(owner.client, order[::-1], photo("cup", 340), photo("jug", 350))

    assert moved.status_code == 409
    assert Generation.objects.count() == 2


def test_the_page_of_a_run_brings_each_picture_back_and_takes_some_of_them(
    owner: Merchant, result: Picture
) -> None:
    place(owner.client, all_four(result), photo("cup", 340), photo("jug", 350))
    run = placement()

    page = owner.client.get(f"{PAGE}/product-placement?again={run.pk}").content.decode()

    order = [f"run {run.pk} 0", MUG, f"run {run.pk} 2", f"run {run.pk} 3"]
    assert f'data-order="{"|".join(order)}"' in page
    for value in order:
        assert f'value="{value}"' in page
    assert place(owner.client, [order[3], order[1]], key="fewer").status_code == 201
    assert widths(placement()) == [340, OF_THE_STORE]


def test_it_runs_again_with_one_click_while_its_pictures_are_kept(
    owner: Merchant, result: Picture
) -> None:
    place(owner.client, all_four(result), photo("cup", 340), photo("jug", 350))
    first = placement()
    worker.run(str(first.pk))
    again = {"key": "again", "max_credits": str(first.price)}

    owner.client.post(f"/dashboard/runs/{first.pk}/again", again)

    second = placement()
    assert second.pk != first.pk
    assert widths(second) == widths(first)
    first.pictures.filter(role=Picture.Role.INPUT, position=3).delete()
    gone = owner.client.post(f"/dashboard/runs/{first.pk}/again", again | {"key": "gone"})
    assert gone.status_code == 422
    assert placement() == second


def test_an_owner_approves_it_as_it_was_asked_for(
    owner: Merchant, result: Picture, client: Any
) -> None:
    limits.set_limit(owner.account.pk, 1)
    maker = make_person("Mia")
    Membership.objects.create(person=maker, account=owner.account, role="maker")
    client.force_login(maker)
    asked = place(client, all_four(result), photo("cup", 340), photo("jug", 350))
    assert asked.status_code == 202
    approval = Approval.objects.get()

    owner.client.post(
        f"/dashboard/approvals/{approval.pk}", {"action": "approve", "price": str(approval.price)}
    )

    run = placement()
    assert widths(run) == [350, OF_THE_STORE, OF_A_RESULT, 340]
    assert run.requested_by == maker


def test_another_accounts_pictures_are_not_mixed_in(second_shop: Merchant, result: Picture) -> None:
    ledger.add_package(second_shop.account.pk, 500, "test-package")

    answer = place(second_shop.client, [MUG, f"result {result.pk}"], photo("cup", 340))

    assert answer.status_code == 422
    assert not Generation.objects.filter(account=second_shop.account).exists()
    assert second_shop.total == 600


def test_a_place_without_its_file_is_left_out(owner: Merchant, engine: Engine) -> None:
    answer = place(owner.client, ["upload 7", MUG, "upload x"], photo("cup", 340))

    assert answer.status_code == 201
    assert widths(placement()) == [OF_THE_STORE, 340]

"""A merchant's own products on the tool page, read from the store at the moment they are wanted."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils.module_loading import import_string
from PIL import Image

from shopify_auth.admin_api import client
from shopify_auth.models import OfflineToken, Shop
from shopify_auth.products import ShopProducts
from tests.embedded import SECOND_SHOP, open_page

DEMO_SHOP = "ecomvance-demo.myshopify.com"

pytestmark = pytest.mark.django_db


@pytest.fixture
def products(settings):
    """The source of products that the settings name."""
    source = import_string(settings.PRODUCT_SOURCE)()
    assert isinstance(source, ShopProducts)
    return source


@pytest.fixture
def account_id(devstore):
    """The demo store's account; the store has products."""
    return open_page(Client(), DEMO_SHOP).wsgi_request.account.pk


def test_products_come_by_title_with_their_photos(products, account_id):
    listed = products.list_products(account_id)
    titles = [product.title for product in listed]
    assert len(titles) >= 5
    assert titles == sorted(titles, key=str.casefold)
    photo = next(product for product in listed if product.photos).photos[0]
    assert photo.url.endswith("width=480")


def test_products_are_found_by_words_of_their_title(products, account_id):
    wanted = products.list_products(account_id)[0]
    word = wanted.title.split()[0]
    found = products.list_products(account_id, search=f"  {word.upper()} ")
    assert wanted.id in {product.id for product in found}
    assert products.list_products(account_id, search="nothing is called this") == []


@pytest.mark.parametrize("search", ['")', "title:*", "a OR b", "\\", "*", "-", "\x00", "x" * 500])
def test_a_search_is_words_never_syntax(products, account_id, search):
    assert isinstance(products.list_products(account_id, search=search), list)


def test_a_photo_is_read_whole(products, account_id):
    listed = products.list_products(account_id)
    product = next(product for product in listed if product.photos)
    content = products.read_photo(account_id, product.id, product.photos[0].id)
    with Image.open(BytesIO(content)) as picture:
        assert min(picture.size) >= 256


def test_what_the_store_says_about_a_product_comes_whole(products, account_id):
    [serum] = products.list_products(account_id, search="serum")
    told = products.read_data(account_id, serum.id)
    assert told["title"] == "Sea Buckthorn Face Serum, 30 ml"
    assert (told["type"], told["vendor"]) == ("Skin care", "Nordlys Apothecary")
    assert "vegan" in told["tags"]
    assert "cold-pressed sea buckthorn" in told["description_html"]
    assert told["options"] == [{"name": "Title", "values": ["Default Title"]}]
    assert told["alt_texts"] == ["Drawing of an amber dropper bottle with a white label"]


def test_another_stores_product_tells_nothing(products, account_id, store_access):
    wanted = products.list_products(account_id)[0]
    stranger = open_page(Client(), SECOND_SHOP).wsgi_request.account.pk
    with pytest.raises(LookupError):
        products.read_data(stranger, wanted.id)


@pytest.mark.parametrize(
    "product_id",
    [
        "gid://shopify/Product/1",
        "gid://shopify/Shop/548380009",
        "x",
        "",
        "../x",
        "gid://shopify/Product/1\n",
    ],
)
def test_what_the_store_does_not_have_is_not_found(products, account_id, product_id):
    with pytest.raises(LookupError):
        products.get_product(account_id, product_id)


def test_a_photo_of_another_product_is_not_found(products, account_id):
    one, other = [p for p in products.list_products(account_id) if p.photos][:2]
    with pytest.raises(LookupError):
        products.read_photo(account_id, one.id, other.photos[0].id)


def test_another_stores_products_are_not_found(products, account_id, store_access):
    stranger = open_page(Client(), SECOND_SHOP).wsgi_request.account.pk
    product = products.list_products(account_id)[0]
    with pytest.raises(LookupError):
        products.get_product(stranger, product.id)
    assert products.list_products(stranger) == []


def test_without_a_store_the_merchant_is_told_so(products, owner):
    with pytest.raises(ConnectionError, match="No store is connected"):
        products.list_products(owner.account.pk)


def test_a_store_that_does_not_answer_is_named_as_the_reason(
    products, account_id, devstore, monkeypatch
):
    monkeypatch.setattr(client, "FIRST_WAIT_SECONDS", 0.01)
    devstore.misbehave(server_error=-1)
    with pytest.raises(ConnectionError, match="does not answer"):
        products.list_products(account_id)


def test_a_store_that_must_be_opened_again_says_how(products, account_id, devstore):
    devstore.press("revoke_tokens")
    with pytest.raises(ConnectionError, match="Open ecomVance in your Shopify admin"):
        products.list_products(account_id)


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.shopify.com/x.png",
        "https://cdn.shopify.com.evil.com/x.png",
        "https://cdn.shopify.com@evil.com/x.png",
        "https://evil.com/cdn.shopify.com",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:8000/",
        "file:///etc/passwd",
        "",
    ],
)
def test_pictures_are_fetched_from_shopify_and_nowhere_else(settings, url):
    settings.DEV_STORE = ""
    with pytest.raises(ValueError, match="picture host"):
        client.download(url)


def test_a_picture_of_more_than_25_megabytes_is_refused(products, account_id, monkeypatch):
    monkeypatch.setattr(client, "LARGEST_PICTURE", 1000)
    product = next(p for p in products.list_products(account_id) if p.photos)
    with pytest.raises(ConnectionError, match="photo could not be read"):
        products.read_photo(account_id, product.id, product.photos[0].id)


# --- The demo store ------------------------------------------------------------------------------


def test_the_demo_store_has_a_merchant_and_products_before_anybody_opened_it(
    devstore, settings, client, capsys
):
    settings.DEBUG = True
    call_command("demo_store")
    email, password = capsys.readouterr().out.splitlines()[0].split()[-2:]
    page = client.post("/dashboard/sign-in/login/", {"login": email, "password": password})
    assert page["Location"] == "/dashboard/"
    account = client.get("/dashboard/").wsgi_request.account
    assert account.plan_balance == 100
    assert Shop.objects.get().account == account
    assert ShopProducts().list_products(account.pk)
    assert OfflineToken.objects.get().state == OfflineToken.State.ACTIVE
    call_command("demo_store")
    assert Shop.objects.count() == 1


def test_opening_the_demo_store_in_the_admin_finds_the_merchants_account(devstore, settings):
    settings.DEBUG = True
    call_command("demo_store")
    request = open_page(Client(), DEMO_SHOP).wsgi_request
    assert request.account == Shop.objects.get().account


def test_outside_development_there_is_no_demo_store(settings):
    settings.DEBUG = False
    with pytest.raises(Exception, match="DEBUG=on"):
        call_command("demo_store")


def test_outside_development_the_app_never_signs_session_tokens(devstore, settings, products):
    settings.DEBUG = True
    call_command("demo_store")
    settings.DEBUG = False
    with pytest.raises(ConnectionError, match="Open ecomVance"):
        products.list_products(Shop.objects.get().account_id)


def test_metafields_are_read_as_a_shopper_would_and_files_are_left_out(products, account_id):
    candle = next(p for p in products.list_products(account_id) if "Candle" in p.title)
    told = products.read_data(account_id, candle.id)
    assert told["metafields"] == {"jar_height": "9 cm", "scent": "Cedar, Oakmoss"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_no_database_connection_is_held_while_the_store_is_asked(products, account_id, monkeypatch):
    held = []
    connections = client._connections

    def spy():
        held.append(connection.connection is not None)
        return connections()

    monkeypatch.setattr(client, "_connections", spy)
    product = products.list_products(account_id)[0]
    products.read_photo(account_id, product.id, product.photos[0].id)

    assert len(held) >= 3
    assert not any(held)

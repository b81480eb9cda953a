"""Pictures that the app adds to a product of the fake: staged, uploaded, processed, shown."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import pytest
import requests
import time_machine
from PIL import Image

from shopify_auth.devstore.tokens import offline_token
from tests.devstore_fixture import DEMO, DevStore

STAGE = """
mutation StagedUploads($input: [StagedUploadInput!]!) {
  stagedUploadsCreate(input: $input) {
    stagedTargets { url resourceUrl parameters { name value } }
    userErrors { field message }
  }
}
"""
UPDATE = """
mutation ProductUpdate($product: ProductUpdateInput!, $media: [CreateMediaInput!]) {
  productUpdate(product: $product, media: $media) {
    product { descriptionHtml media(last: 1) { nodes { id status } } }
    userErrors { field message }
  }
}
"""
MEDIA = """
query Media($id: ID!) {
  product(id: $id) {
    media(first: 50) {
      nodes {
        alt status
        mediaErrors { code }
        ... on MediaImage { image { url width height } }
      }
    }
  }
}
"""


class App:
    """The app's calls with its token."""

    def __init__(self, devstore: DevStore) -> None:
        self.devstore = devstore
        with devstore.changed_shop() as shop:
            shop.scopes = ["write_products"]
            self.token = str(offline_token(shop, expiring=True).body["access_token"])
        products = self.call("{ products(first: 1) { nodes { id } } }")
        self.product = str(products["nodes"][0]["id"])

    def call(self, document: str, **variables: Any) -> Any:
        body = self.devstore.admin_api(document, self.token, **variables).json()
        assert "errors" not in body, body["errors"]
        return next(iter(body["data"].values()))

    def stage(self, **file: Any) -> dict[str, Any]:
        wanted = {"filename": "cut-out.png", "mimeType": "image/png", "resource": "IMAGE"} | file
        return dict(self.call(STAGE, input=[wanted]))

    def add(self, source: str, **extra: Any) -> dict[str, Any]:
        media = {"originalSource": source, "mediaContentType": "IMAGE", "alt": "Cut-out"} | extra
        return dict(self.call(UPDATE, product={"id": self.product}, media=[media]))

    def newest(self) -> dict[str, Any]:
        return dict(self.call(MEDIA, id=self.product)["media"]["nodes"][-1])


@pytest.fixture
def app(devstore: DevStore) -> App:
    return App(devstore)


def png() -> bytes:
    file = BytesIO()
    Image.new("RGB", (64, 48), "navy").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_uploaded_picture_is_processed_and_then_shown(devstore: DevStore, app: App, method: str):
    target = app.stage(httpMethod=method)["stagedTargets"][0]
    if method == "PUT":
        requests.put(target["url"], data=png(), timeout=10).raise_for_status()
    else:
        fields = {one["name"]: one["value"] for one in target["parameters"]}
        files = {"file": ("cut-out.png", png())}
        requests.post(target["url"], data=fields, files=files, timeout=10).raise_for_status()

    app.add(target["resourceUrl"])
    assert app.newest()["status"] == "PROCESSING"

    with time_machine.travel(time.time() + 3):
        shown = app.newest()
        page = requests.get(f"{devstore.url}/store/{DEMO}/products", timeout=10).text
    assert (shown["status"], shown["alt"]) == ("READY", "Cut-out")
    assert (shown["image"]["width"], shown["image"]["height"]) == (64, 48)
    assert requests.get(shown["image"]["url"], timeout=10).content == png()
    assert shown["image"]["url"] in page


def test_what_is_no_picture_fails_in_processing(app: App):
    target = app.stage()["stagedTargets"][0]
    requests.put(target["url"], data=b"no picture", timeout=10).raise_for_status()
    app.add(target["resourceUrl"])

    with time_machine.travel(time.time() + 3):
        failed = app.newest()

    assert failed["status"] == "FAILED"
    assert failed["mediaErrors"] == [{"code": "UNSUPPORTED_IMAGE_FILE_TYPE"}]
    assert failed["image"] is None


def test_an_address_that_was_never_staged_takes_nothing(devstore: DevStore):
    refused = requests.put(f"{devstore.url}/uploads/{DEMO}/state.json", data=b"x", timeout=10)

    assert refused.status_code == 400


def test_a_video_needs_its_exact_size(app: App):
    video = {"filename": "reel.mp4", "mimeType": "video/mp4", "resource": "VIDEO"}
    without = app.stage(**video)
    assert without["userErrors"][0]["field"] == ["input", "0", "fileSize"]

    target = app.stage(**video, fileSize="10")["stagedTargets"][0]

    assert requests.put(target["url"], data=b"too long for ten", timeout=10).status_code == 400
    assert requests.put(target["url"], data=b"exactly 10", timeout=10).status_code == 200


def test_an_alt_text_of_more_than_512_characters_is_a_user_error(app: App):
    refused = app.add("https://elsewhere.example/x.png", alt="x" * 513)

    assert refused["userErrors"][0]["field"] == ["media", "0", "alt"]


def test_a_description_is_replaced(app: App):
    written = app.call(UPDATE, product={"id": app.product, "descriptionHtml": "<p>New</p>"})

    assert written["product"]["descriptionHtml"] == "<p>New</p>"


def test_a_product_of_nobody_is_a_user_error(app: App):
    refused = app.call(UPDATE, product={"id": "gid://shopify/Product/1"})

    assert refused["product"] is None
    assert refused["userErrors"][0]["message"] == "Product does not exist"

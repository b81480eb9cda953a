"""What goes into `/api/v1` and the answers that are its own, as types and as the OpenAPI document says
it. The forms of balances, usage and runs lie beside their objects, in `representations`.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from credits.representations import Credits, JsonForm, Summary
from generations.assist import answers
from generations.catalog import TOOLS
from generations.runs import batches
from generations.runs.orders import MAX_KEY
from generations.runs.quote import MAX_PROMPT
from generations.runs.representations import Generation

MAX_IMAGES = max(tool.max_images for tool in TOOLS.values())

# PostgreSQL's texts cannot hold a NUL.
_NO_NUL = r"^[^\x00]*$"
Key = Annotated[str, Field(min_length=1, max_length=MAX_KEY, pattern=r"^[!-~]+$")]
BatchKey = Annotated[str, Field(min_length=1, max_length=batches.MAX_KEY, pattern=r"^[!-~]+$")]
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-03"])]
ProductId = Annotated[
    str,
    Field(
        min_length=1, max_length=100, pattern=_NO_NUL, examples=["gid://shopify/Product/1"],
        description="The store's global id of a product; its first photo is taken.",
    ),
]  # fmt: skip
# Plain text: of the control characters, new lines and tabs alone.
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
Prompt = Annotated[str, Field(max_length=MAX_PROMPT, pattern=_TEXT)]
PhotoId = Annotated[
    str,
    Field(
        max_length=100, pattern=_NO_NUL,
        description="A photo of the product at the same place; empty for its first one.",
    ),
]  # fmt: skip
# A filter that is there and empty filters nothing.
Cursor = Annotated[str, Field(max_length=100, pattern=_NO_NUL)]
ToolFilter = Annotated[str, Field(max_length=40, json_schema_extra={"enum": ["", *TOOLS]})]


ToolSlug = Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(TOOLS)})]
OptionValue = str | int | float | bool
MaxCredits = Annotated[
    int,
    Field(ge=0, le=1_000_000, description="A higher price is refused: 409 price_changed."),
]


# --- Requests ------------------------------------------------------------------------------------


class GenerationRequest(BaseModel):
    """One run of one tool. Pictures come as `image` parts of a multipart body, or by product.

    `options` are those that the tool declares in its JSON Schema; in multipart they are a JSON text.
    """

    model_config = ConfigDict(extra="forbid")

    tool: ToolSlug
    resolution: Literal["1K", "2K", "4K"] | None = None
    seconds: Literal[4, 6, 8] | None = None
    prompt: Prompt = ""
    product_id: ProductId | None = None
    product_ids: Annotated[list[ProductId], Field(min_length=1, max_length=MAX_IMAGES)] | None = (
        None
    )
    photo_ids: Annotated[list[PhotoId], Field(min_length=1, max_length=MAX_IMAGES)] | None = None
    options: dict[str, OptionValue] = {}
    max_credits: MaxCredits | None = None


class BatchItem(BaseModel):
    """One product of a batch."""

    model_config = ConfigDict(extra="forbid")

    product_id: ProductId
    photo_id: PhotoId = ""


class BatchSettings(BaseModel):
    """What holds for every item of a batch."""

    model_config = ConfigDict(extra="forbid")

    resolution: Literal["1K", "2K", "4K"]
    prompt: Prompt = ""
    options: dict[str, OptionValue] = {}
    sample: Annotated[
        bool,
        Field(description="Charge and run the first three only, until the batch is resumed."),
    ] = False
    max_credits: Annotated[
        MaxCredits | None,
        Field(description="More for what is charged now is refused: 409 price_changed."),
    ] = None


class BatchRequest(BatchSettings):
    """AI Shadowing of 1 to 50 products with the same settings, one run each."""

    items: Annotated[list[BatchItem], Field(min_length=1, max_length=batches.MAX_ITEMS)]


class Question(BaseModel):
    """One question to the assistant, in a conversation or, with null, in a new one."""

    model_config = ConfigDict(extra="forbid")

    conversation: uuid.UUID | None = None
    message: Annotated[str, Field(min_length=1, max_length=answers.MOST_MESSAGE, pattern=_TEXT)]


class RetryRequest(BaseModel):
    """Failed items again."""

    model_config = ConfigDict(extra="forbid")

    max_credits: MaxCredits | None = None


class ResumeRequest(RetryRequest):
    """What waits for your word, or the first `count` items of it."""

    count: Annotated[int, Field(ge=1, le=batches.MAX_ITEMS)] | None = None


# --- Answers -------------------------------------------------------------------------------------


class Variant(JsonForm):
    """One priced choice: what it costs now, and what the price list says.

    A sandbox render costs 0.
    """

    credits: Credits
    list_credits: Credits
    resolution: Literal["1K", "2K", "4K"] | None
    seconds: Literal[4, 6, 8] | None


class Sources(JsonForm):
    """What a tool works on: pictures or products, a mask, a reference picture, a product's data."""

    min: int
    max: int
    mask: bool
    reference: bool
    product_data: bool
    mask_required: bool
    reference_required: bool


class Tool(BaseModel):
    """One tool of the catalogue; `unavailable_reason` says why it cannot be started now."""

    slug: str
    name: str
    suite: str
    output: Literal["image", "video", "text", "chat"]
    summary: str
    max_images: int
    variants: list[Variant]
    prompt: Literal["no", "optional", "required"]
    options: Annotated[dict[str, Any], Field(description="JSON Schema, draft 2020-12.")]
    sources: Sources
    engine: Literal["local", "google"] | None
    model: str | None
    label: Literal["real", "limited", "sandbox"] | None
    available: bool
    unavailable_reason: str | None


class Catalogue(BaseModel):
    """Every tool with its prices."""

    tools: list[Tool]


class Quote(JsonForm):
    """What a run would cost; `plan` and `package` would pay it, `after` would be left."""

    credits: Credits
    list_credits: Credits
    engine: str
    model: str
    label: Literal["real", "limited", "sandbox"]
    plan: Credits
    package: Credits
    available: Credits
    after: Credits
    affordable: bool
    seconds_expected: float


class GenerationPage(BaseModel):
    """Runs, newest first, and the cursor of those before them."""

    generations: list[Generation]
    next: str | None


class Batch(JsonForm):
    """How a batch stands. The six counts add up to `total`: `uncharged` to `cancelled`.

    `cost` was charged so far, `remaining_cost` is what the uncharged items cost now. `generations`
    are the charged items in order, each by its newest run.
    """

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    state: Literal["sample", "running", "paused", "finished", "cancelled"]
    total: int
    uncharged: int
    waiting: Annotated[int, Field(description="Charged, and not begun.")]
    running: int
    succeeded: int
    failed: int
    cancelled: int
    cost: Credits
    remaining_cost: Credits
    generations: list[Generation]


class Usage(Summary):
    """One calendar month in the account's time zone, from the ledger."""

    month: str
    time_zone: str


class FieldError(BaseModel):
    """One thing wrong with the request."""

    field: str
    message: str


class Error(BaseModel):
    """A refusal: `error` for programs, `message` for people."""

    error: str
    message: str
    field: str = ""
    details: list[FieldError] = []
    credits: Annotated[int | None, Field(description="The price now, with price_changed.")] = None


class InsufficientCreditsError(BaseModel):
    """Nothing was charged or stored."""

    error: Literal["insufficient_credits"]
    message: str
    needed: Credits
    available: Credits
    short_by: Credits
    runnable: Annotated[
        int | None, Field(description="Of a batch: so many items can be run now.")
    ] = None


def refusals(*statuses: int) -> dict[int, Any]:
    """Answers that every route can give, and those of this one."""
    return dict.fromkeys((400, 401, 403, 404, 405, 429, 500, *statuses), Error)


# --- OpenAPI of the bodies that `bodies` reads --------------------------------------------------

FILES = frozenset({"image", "mask", "reference"})
_MEDIA_TYPES = [f"image/{name}" for name in ("jpeg", "png", "webp", "avif", "heic")]
_REF = "#/components/schemas/{model}"


def request_definitions() -> dict[str, Any]:
    """The definitions that `request_body` refers to."""
    taken = (GenerationRequest, BatchRequest, ResumeRequest, RetryRequest, Question)
    models: list[Any] = [(model, "validation") for model in taken]
    _, schema = models_json_schema(models, ref_template=_REF)
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def optional_body(model: type[BaseModel]) -> dict[str, Any]:
    """A JSON body that may be left out."""
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"requestBody": {"required": False, "content": {"application/json": {"schema": schema}}}}


def request_body(
    as_json: type[BaseModel], fields: type[BaseModel], most_images: int, *, needs_image: bool
) -> dict[str, Any]:
    """A body that is JSON, or multipart with the model's fields and repeatable `image` files."""
    multipart = fields.model_json_schema()
    for schema in multipart["properties"].values():
        # A form has no null: a field is there or it is not.
        schema.update(schema.pop("anyOf", [{}])[0])
        schema.pop("default", None)
    multipart["properties"]["image"] = {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "description": "JPEG, PNG, WebP, AVIF or HEIC, at most 25 MB and 50 megapixels each.",
        "maxItems": most_images,
    }
    if "options" in multipart["properties"]:
        multipart["properties"]["options"] = {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "A JSON object.",
        }
    if "product_ids" in multipart["properties"]:
        for name in FILES - {"image"}:
            multipart["properties"][name] = {"type": "string", "format": "binary"}
    if needs_image:
        multipart["required"].append("image")
    content = {
        "application/json": {"schema": {"$ref": _REF.format(model=as_json.__name__)}},
        "multipart/form-data": {
            "schema": multipart,
            "encoding": {
                name: {"contentType": ", ".join(_MEDIA_TYPES)}
                for name in sorted(FILES & multipart["properties"].keys())
            },
        },
    }
    return {"requestBody": {"required": True, "content": content}}


# One of the events that follow each other, as server-sent events are described.
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["delta", "draft", "source", "done", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
ASSIST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model="Question")}}},
    },
    "responses": {
        200: {
            "description": "The answer, piece by piece.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        }
    },
}

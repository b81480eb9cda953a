"""What goes into `/api/v1` and the answers that are its own, as types and as the OpenAPI document says
it. The forms of balances, usage and runs lie beside their objects, in `representations`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from credits.representations import Credits, JsonForm, Summary
from generations.catalog import TOOLS
from generations.runs import batches
from generations.runs.representations import Generation
from generations.runs.request import MAX_KEY, MAX_PROMPT

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
Prompt = Annotated[str, Field(max_length=MAX_PROMPT, pattern=_NO_NUL)]


# --- Requests ------------------------------------------------------------------------------------


class GenerationRequest(BaseModel):
    """One run of one tool. Pictures come as `image` parts of a multipart body, or by product."""

    model_config = ConfigDict(extra="forbid")

    tool: Annotated[str, Field(json_schema_extra={"enum": list(TOOLS)})]
    resolution: Literal["1K", "2K", "4K"] | None = None
    seconds: Literal[4, 6, 8] | None = None
    prompt: Prompt = ""
    product_id: ProductId | None = None


class BatchItem(BaseModel):
    """One product of a batch."""

    model_config = ConfigDict(extra="forbid")

    product_id: ProductId


class BatchSettings(BaseModel):
    """What holds for every item of a batch."""

    model_config = ConfigDict(extra="forbid")

    resolution: Literal["1K", "2K", "4K"]
    prompt: Prompt = ""


class BatchRequest(BatchSettings):
    """AI Shadowing of 1 to 50 products with the same settings, one run each."""

    items: Annotated[list[BatchItem], Field(min_length=1, max_length=batches.MAX_ITEMS)]


# --- Answers -------------------------------------------------------------------------------------


class Variant(JsonForm):
    """One priced choice."""

    credits: Credits
    resolution: Literal["1K", "2K", "4K"] | None
    seconds: Literal[4, 6, 8] | None


class Tool(BaseModel):
    """One tool of the catalogue; `unavailable_reason` says why it cannot be started now."""

    slug: str
    name: str
    suite: str
    output: Literal["image", "video", "text", "chat"]
    summary: str
    max_images: int
    variants: list[Variant]
    available: bool
    unavailable_reason: str | None


class Catalogue(BaseModel):
    """Every tool with its prices."""

    tools: list[Tool]


class Batch(BaseModel):
    """The runs of a batch, in the order of its items."""

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


class InsufficientCreditsError(BaseModel):
    """Nothing was charged or stored."""

    error: Literal["insufficient_credits"]
    message: str
    needed: Credits
    available: Credits
    short_by: Credits


# --- OpenAPI of the bodies that `bodies` reads --------------------------------------------------

_MEDIA_TYPES = [f"image/{name}" for name in ("jpeg", "png", "webp", "avif", "heic")]
_REF = "#/components/schemas/{model}"


def request_definitions() -> dict[str, Any]:
    """The definitions that `request_body` refers to."""
    models: list[Any] = [(GenerationRequest, "validation"), (BatchRequest, "validation")]
    _, schema = models_json_schema(models, ref_template=_REF)
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


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
    if needs_image:
        multipart["required"].append("image")
    content = {
        "application/json": {"schema": {"$ref": _REF.format(model=as_json.__name__)}},
        "multipart/form-data": {
            "schema": multipart,
            "encoding": {"image": {"contentType": ", ".join(_MEDIA_TYPES)}},
        },
    }
    return {"requestBody": {"required": True, "content": content}}

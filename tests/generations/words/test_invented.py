"""What a text says of a product beyond its data is listed; what the data says is not."""

from __future__ import annotations

import pytest

from generations.words import invented

DATA = "Mug from Tellus, 350 ml, 9.5 cm high, 38 × 42 cm, glazed stoneware, E27, 1,000 g, 12 €"


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("Made of 100 % organic cotton.", ["100 % organic cotton"]),
        ("Holds 350 ml.", []),
        ("Holds 350ml", []),
        ("Holds 350 cl.", ["350 cl"]),
        ("Holds 400 ml.", ["400 ml"]),
        ("Ist 9,5 cm hoch", []),
        ("Ist 9,50 cm hoch und 12 kg schwer", ["12 kg"]),
        ("38 cm wide", []),
        ("38 mm wide", ["38 mm"]),
        ("Weighs 1000 g, for 12 €", []),
        ("٣٥٠ ml", []),
        ("\uff13\uff16\uff10 ml", ["360 ml"]),
        ("OEKO-TEX zertifiziert", ["OEKO-TEX"]),
        ("Avec label GOTS et CE", ["GOTS", "CE"]),
        ("We reach you; ce produit", []),
        ("Fairtrade", ["Fairtrade"]),
        ("The softest and most comfortable mug", ["softest", "most comfortable"]),
        ("Most of the guests rest in a forest", []),
        ("Glazed stoneware, not leather", ["leather"]),
        ("The best mug, the BEST mug", ["best"]),
        ("A mug.", []),
    ],
)
def test_claims_beyond_the_data_are_listed_as_they_are_written(
    text: str, listed: list[str]
) -> None:
    assert invented.find([text], [DATA]) == listed


def test_html_is_read_as_its_words_block_by_block() -> None:
    written = {"description_html": "<h2>Mug 350</h2><ul><li>L size</li><li><b>7</b> kg</li></ul>"}
    assert invented.find_in(written, {"title": "Mug 350", "options": [{"values": ["L"]}]}) == [
        "7 kg"
    ]


def test_what_the_merchant_typed_counts_as_data() -> None:
    written = {"bullets": ["Handmade of oak", "Of silk"]}
    assert invented.find_in(written, {"title": "Bowl"}, "handmade, oak") == ["silk"]


def test_a_wooden_bowl_is_of_wood() -> None:
    assert invented.find(["of wood"], ["A wooden bowl"]) == []
    assert invented.find(["of wood"], ["A woodland bowl"]) == ["wood"]

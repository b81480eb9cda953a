"""A product's data as a merchant types it in, beside what a store says."""

from __future__ import annotations

from generations.words import typed_data


def test_fields_become_what_a_store_would_tell() -> None:
    assert typed_data.over(
        {},
        {
            "product_title": " Linen  apron ",
            "product_type": "Aprons",
            "product_vendor": "Nordlys",
            "product_options": "Size: S, M\nsand, ink\n\n",
            "product_tags": "kitchen, gift,",
            "product_description": "Washes at 60 °C.\nPockets < 20 cm & wide",
            "product_alt_texts": "A sand apron\n\nIts pocket",
            "tone": "warm",
        },
    ) == {
        "title": "Linen apron",
        "type": "Aprons",
        "vendor": "Nordlys",
        "options": [
            {"name": "Size", "values": ["S", "M"]},
            {"name": "", "values": ["sand", "ink"]},
        ],
        "tags": ["kitchen", "gift"],
        "description_html": "<p>Washes at 60 °C.</p><p>Pockets &lt; 20 cm &amp; wide</p>",
        "alt_texts": ["A sand apron", "Its pocket"],
    }


def test_what_is_typed_stands_instead_of_the_stores_and_empty_fields_change_nothing() -> None:
    store = {"title": "Apron", "vendor": "Hus", "tags": ["old"], "metafields": {"care": "cold"}}
    typed = {"product_title": "", "product_vendor": " ", "product_tags": "linen"}
    assert typed_data.over(store, typed) == store | {"tags": ["linen"]}


def test_a_description_with_markup_is_cleaned() -> None:
    typed = {"product_description": "<p onclick='x()'>Soft.</p><script>alert(1)</script>"}
    assert typed_data.over({}, typed) == {"description_html": "<p>Soft.</p>"}

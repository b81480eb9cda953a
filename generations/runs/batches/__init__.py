"""Batches: up to 50 products through AI Shadowing with one look, charged and run one by one.

`placing` makes one, `charging` takes what is charged later (the others behind three, failed ones),
`stopping` pauses, cancels and ends what time has ended, `progress` says how a batch stands.

Source: product document, "AI Shadowing"; decisions on generations.
"""

from __future__ import annotations

from generations.runs.batches.charging import Charge, charge, kept_picture, resume, retry
from generations.runs.batches.costs import Cost, cost
from generations.runs.batches.placing import Together, find_by_key, place, place_batch
from generations.runs.batches.rules import (
    MAX_ITEMS,
    MAX_KEY,
    SAMPLE,
    TOOL,
    too_many_sent,
    wrong_size,
)
from generations.runs.batches.stopping import cancel, erase, pause, sweep

__all__ = [
    "MAX_ITEMS",
    "MAX_KEY",
    "SAMPLE",
    "TOOL",
    "Charge",
    "Cost",
    "Together",
    "cancel",
    "charge",
    "cost",
    "erase",
    "find_by_key",
    "kept_picture",
    "pause",
    "place",
    "place_batch",
    "resume",
    "retry",
    "sweep",
    "too_many_sent",
    "wrong_size",
]

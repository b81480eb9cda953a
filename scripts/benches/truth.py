"""`scripts/bench truth`: what the product-truth check finds on pairs made from twelve pictures.

Four pictures were not looked at while thresholds were chosen; they are counted apart. A kind is shown to
merchants when it finds 95 % of its changes, and no more than 5 % of what is unaltered is amber and 20 %
cannot be judged.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import django

# Sentences of the engines are marked for translation when they are imported.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")
django.setup()

from ecomvance_app import wheel_files  # noqa: E402 - see above
from ecomvance_app.wheel_files import WheelFile  # noqa: E402
from generations.engines.local import weights  # noqa: E402
from generations.truth import verdict  # noqa: E402
from shopify_auth.devstore.catalogue import PHOTOGRAPHS, make_photos  # noqa: E402
from tests.generations.truth import pairs  # noqa: E402
from tests.generations.truth.pairs import Pair, Product  # noqa: E402

_AMBER, _UNKNOWN, _ALL = "amber", "unknown", "all"
Counts = Counter[tuple[str, str]]


def _more(name: str, sha256: str, size: int) -> WheelFile:
    known = PHOTOGRAPHS[0]
    member = f"skimage/data/{name}"
    return WheelFile(known.package, known.version, member, sha256, size, known.platform)


MORE = (
    _more(
        "astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5", 791_555
    ),
    _more(
        "camera.png", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a", 139_512
    ),
)


def count(counts: Counts, pair: Pair, findings: list[verdict.Finding]) -> None:
    """One pair: a change counts for its own kind, what is unaltered for all three."""
    states = {one.kind: one.state for one in findings}
    for kind in verdict.KINDS if not pair.kind else (pair.kind,):
        state = states.get(kind, "unknown")  # type: ignore[call-overload]
        group = f"{kind} changed" if pair.kind else f"{kind} unaltered"
        counts[group, _ALL] += 1
        counts[group, state] += 1


def measure(folder: Path, chosen: tuple[tuple[str, str, str], ...]) -> Counts:
    """All pairs of these pictures."""
    counts: Counts = Counter()
    for one in chosen:
        product: Product = pairs.load(folder, weights.U2NETP.path, one)
        source = verdict.see(product.source, weights.U2NETP.path)
        for pair in pairs.pairs(product):
            findings = verdict.compare(source, verdict.see(pair.result, weights.U2NETP.path))
            count(counts, pair, findings)
            states = " ".join(f"{found.kind}={found.state}" for found in findings)
            print(f"{one[0]}: {pair.change}: {states}", file=sys.stderr)
    return counts


def print_table(title: str, counts: Counts) -> None:
    """Shares of found changes, and of amber and unknown among what is unaltered."""
    print(f"\n| {title} | changes found | unaltered: amber | unaltered: cannot judge |")
    print("|---|---|---|---|")
    for kind in verdict.KINDS:
        changed, same = f"{kind} changed", f"{kind} unaltered"
        print(
            f"| {kind} | {counts[changed, _AMBER]} of {counts[changed, _ALL]} "
            f"| {counts[same, _AMBER]} of {counts[same, _ALL]} "
            f"| {counts[same, _UNKNOWN]} of {counts[same, _ALL]} |"
        )


def main() -> None:
    """Fetch the pictures, make the pairs, print both tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photos(folder)
        wheel_files.fetch(MORE, folder)
        print_table("eight pictures", measure(folder, pairs.TUNED))
        print_table("four unseen pictures", measure(folder, pairs.UNSEEN))


if __name__ == "__main__":
    main()

"""The fake's own page: its calls and what a prompt can make it do."""

from __future__ import annotations

from html import escape

from generations.engines.fake_google.markers import GROUPS
from generations.engines.fake_google.state import State

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
code { white-space: nowrap } td.prompt { overflow-wrap: anywhere }
"""


def render(state: State) -> bytes:
    """The page as HTML."""
    html = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Fake Google</title><style>{_STYLE}</style>
<h1>Fake Google</h1>
<p>Stands in for Google’s generative AI services on this machine. Nothing leaves it, nothing is
billed. <a href="/calls">Calls as JSON</a></p>
<h2>Calls</h2>{_counts(state)}{_calls(state)}
<h2>Markers</h2>
<p>Write one into a prompt: <code>[[fake:429]]</code>, <code>[[fake:finish=NO_IMAGE]]</code>. With
<code>-once</code> after the name only the first request with that prompt goes wrong:
<code>[[fake:503-once]]</code>.</p>{_markers()}</html>"""
    return html.encode()


def _row(cells: list[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _counts(state: State) -> str:
    counts = state.counts()
    head = _row([f"<code>{kind}</code>" for kind in counts], "th")
    return f"<table>{head}{_row([str(count) for count in counts.values()])}</table>"


def _calls(state: State) -> str:
    calls = state.calls()
    if not calls:
        return "<p>No calls yet.</p>"
    rows = "".join(
        _row(
            [
                f"{call.at:%H:%M:%S}",
                call.kind,
                escape(call.model),
                str(call.pictures),
                escape(call.prompt[-200:]),
            ]
        )
        for call in calls
    )
    return f"<table>{_row(['UTC', 'Kind', 'Model', 'Pictures', 'Prompt'], 'th')}{rows}</table>"


def _markers() -> str:
    return "".join(
        f"<h3>{escape(title)}</h3><table>"
        + "".join(
            _row([f"<code>{escape(name)}</code>", escape(text)]) for name, text in group.items()
        )
        + "</table>"
        for title, group in GROUPS.items()
    )

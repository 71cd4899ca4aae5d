"""The report as one HTML file: no request goes out of it, and nothing in it is markup
of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from syncer.printable import printable

WIDTH, HEIGHT, MARGIN = 640, 160, 40
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;"
    "color:#1c2530;background:#fff}h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left;"
    "border-bottom:1px solid #d5dbe1;overflow-wrap:anywhere}td.n,th.n{text-align:right}"
    "p.end{font-size:1.2em}svg text{font-size:11px;fill:#1c2530}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render_html(
    report: Mapping[str, Any],
    letters: Sequence[Mapping[str, Any]],
    samples: Sequence[Sequence[float]],
) -> str:
    """Return the page. `letters`: some of the dead letters; `samples`: seconds since
    the push began, and labels applied by then.
    """
    tables = {
        "Left out": report["left_out"],
        "Cannot go": report["skipped"],
        "Lost, by kind": report["lost"],
        "Cut at the edge of the image": report["clamped"],
    }
    verified = {
        "the same": report["verified"]["same"],
        "missing": report["verified"]["missing"],
        "different": report["verified"]["differs"],
        "others on these inputs": report["verified"]["extra"],
        "inputs that could not be read": report["verified"]["unreadable"],
    }
    totals = {
        "read": report["read"],
        "converted": report["converted"],
        "left out": sum(report["left_out"].values()),
        "cannot go": sum(report["skipped"].values()),
        "posts": report["written"],
        "applied": report["applied"],
        "dead": report["dead"],
        "repaired": report["repaired"],
    }
    parts = [
        f'<p class="end"><strong>{_text(report["sentence"])}</strong></p>',
        f"<p>{_text(_name_side(report['from']))} → {_text(_name_side(report['to']))}, pass"
        f" {report['pass']}</p>",
        "<h2>Totals</h2>",
        _table(("", "labels"), totals.items()),
        "<h2>Verified</h2>",
        _table(("", "labels"), verified.items()),
        *_list_prediction(report.get("prediction", {})),
        *(
            part
            for name, counts in tables.items()
            if counts
            for part in (f"<h2>{name}</h2>", _table(("", "labels"), counts.items()))
        ),
        "<h2>Phases</h2>",
        _table(
            ("phase", "items", "requests", "seconds"),
            [
                (one["name"], one["items"], one["requests"], one["seconds"])
                for one in report["phases"]
            ],
        ),
        *_list_letters(letters, report["dead"]),
        *(["<h2>Throughput of the push</h2>", _plot(samples)] if len(samples) > 1 else []),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>syncer migrate</title><style>{_STYLE}</style></head>\n<body>"
        "<h1>Migration</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _list_letters(letters: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    if not letters:
        return []
    rows = [(one["input_id"], one["id"], one["reason"]) for one in letters]
    head = f"<h2>Dead letters: {count:,}"
    return [
        head + ("</h2>" if len(letters) >= count else f", the first {len(letters)}</h2>"),
        _table(("input", "label", "reason"), rows),
    ]


def _list_prediction(prediction: Mapping[str, Any]) -> list[str]:
    rows = [
        (name, one["low"], one["likely"], one["high"])
        for name in ("requests", "seconds", "dead", "differs")
        if (one := prediction.get(name)) is not None
    ]
    head = ("", "at least", "likely", "at most")
    return ["<h2>What the sample predicted</h2>", _table(head, rows)] if rows else []


def _name_side(side: Mapping[str, Any]) -> str:
    if side.get("kind") == "files":
        return f"{side['format']} files in {', '.join(side['paths'])}"
    if "project" in side:
        return f"project {side['project']} of {side['kind']}"
    return f"app {side['app_id']} of {side['user_id']} at {side['base_url']}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["<table><tr>" + "".join(f"<th>{_text(name)}</th>" for name in head) + "</tr>"]
    lines += ["<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows]
    return "".join(lines) + "</table>"


def _cell(value: object) -> str:
    if isinstance(value, int | float):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{_text(str(value))}</td>"


def _text(text: str) -> str:
    return escape(printable(text))


def _plot(samples: Sequence[Sequence[float]]) -> str:
    """Return labels a second over time, as a line."""
    rates = [
        (late, (much - before) / (late - early))
        for (early, before), (late, much) in pairwise(samples)
        if late > early
    ]
    longest = max((at for at, _ in rates), default=1) or 1
    most = max((rate for _, rate in rates), default=1) or 1
    points = " ".join(
        f"{MARGIN + at / longest * (WIDTH - MARGIN):.1f},{HEIGHT - rate / most * (HEIGHT - 20):.1f}"
        for at, rate in rates
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 20}" width="100%" role="img"'
        f' aria-label="Labels a second over time">'
        f'<polyline fill="none" stroke="#1f6feb" stroke-width="2" points="{points}"/>'
        f'<text x="0" y="20">{most:,.0f}/s</text><text x="0" y="{HEIGHT}">0</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 15}" text-anchor="end">{longest:,.0f} s</text></svg>'
    )

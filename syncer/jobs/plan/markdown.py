"""A plan as Markdown, for a pull request."""

from __future__ import annotations

from syncer.jobs.plan.planned import LEGEND, Planned
from syncer.printable import printable

CHARACTERS_MAX = 59_000


def render_markdown(planned: Planned) -> list[str]:
    """Return its lines, less than a comment may hold."""
    lines = ["### syncer plan", "", _plain(planned.total()), "", LEGEND, ""]
    if any(planned.by_concept.values()):
        lines += ["| change | concept | count |", "| --- | --- | ---: |"]
        lines += [
            f"| {kind} | {_plain(id)} | {count:,} |"
            for kind, concepts in planned.by_concept.items()
            for id, count in concepts.most_common(20)
        ]
        lines.append("")
    left = CHARACTERS_MAX - sum(len(line) + 1 for line in lines)
    for sample in planned.samples:
        line = f"- `{sample.mark}` {_plain(sample.sentence()[2:])}"
        if (left := left - len(line) - 1) < 0:
            break
        lines.append(line)
    return lines


def _plain(text: str) -> str:
    """Markup from outside means nothing."""
    return "".join(f"\\{each}" if each in "\\`*_|<>[]#!@" else each for each in printable(text))

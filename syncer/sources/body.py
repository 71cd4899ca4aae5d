"""A body of lines that somebody posted, to what is stored of it and what is said of the
rest. Pure.

A body is judged by the rules for the lines of a change log. Its bad lines are answered
and not stored, so they never become dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from syncer.core.change import BadLine, Change, Mark
from syncer.sources.cutter import Cutter
from syncer.sources.gunzip import GZIP
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.packing import HEAD_BYTES, packing

FAULT_BYTES_MAX = 800_000
"""Of what is said of bad lines in one answer: about 10,000 lines."""
REASON_LENGTH_MAX = 500
_WITHOUT_ID = "a post without an id"
"""The id that such a post gets here. One that has it needs a key, too."""


class LineFault(msgspec.Struct, frozen=True, array_like=True):
    """A line of a body that is not stored: its number there, and the reason."""

    line: int
    reason: str


@dataclass(slots=True)
class JudgedBody:
    """A body, line by line."""

    lines: list[bytes] = field(default_factory=list)
    """What is to be stored, without line endings."""
    bad: list[LineFault] = field(default_factory=list)
    is_repeatable: bool = True
    """Whether it holds nothing but posts with ids: stored twice, it does the same."""
    fault: str = ""
    """Why nothing of it can be stored."""


def judge(body: bytes, options: LineOptions) -> JudgedBody:
    """Return what the lines of a body are. The last one needs no line feed."""
    judged = JudgedBody(fault=_find_packing(body[:HEAD_BYTES]))
    if judged.fault:
        return judged
    cutter = Cutter(Mark())
    left = FAULT_BYTES_MAX
    place = LinePlace(0, 0, 0, 0, b"", made_id=_WITHOUT_ID)
    for raw, number, _ in (*cutter.feed(body), *cutter.finish()):
        found = parse(raw, place, options)
        if not isinstance(found, BadLine):
            judged.lines.append(raw)
            if isinstance(found, Change):
                judged.is_repeatable &= found.verb == "post" and found.id != _WITHOUT_ID
            continue
        bad = LineFault(number, found.reason[:REASON_LENGTH_MAX])
        left -= len(msgspec.json.encode(bad))
        if left < 0:
            judged.fault = f"{len(judged.bad):,} bad lines are named, and there are more"
            break
        judged.bad.append(bad)
    return judged


def _find_packing(head: bytes) -> str:
    if head.startswith(GZIP):
        return "the body is compressed with gzip: say Content-Encoding: gzip, or unpack it first"
    found = packing(head)
    return f"the body is {found.name}: {found.remedy}" if found else ""

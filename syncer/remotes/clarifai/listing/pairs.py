"""Annotations that the user named, each by its input's id and its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from syncer.core.change import Key
from syncer.core.outcome import Refused
from syncer.core.ports.pull import Flow, Found, Problem, Unit, Units
from syncer.remotes.clarifai.listing.groups import Groups
from syncer.remotes.clarifai.rows import ListedLine
from syncer.remotes.flows import cut, join_found, one, together


def of_pairs(groups: Groups, named: Sequence[Key], at: int) -> Units:
    """The annotations of these pairs; a unit holds what one list may ask for."""
    pairs = list(dict.fromkeys((input_id, id) for input_id, id in named))
    while at < len(pairs):
        chunk = groups.queries.fitting_pairs(pairs[at:])
        at += len(chunk)
        yield Unit(
            f"annotations {chunk[0][1]} to {chunk[-1][1]}", str(at), partial(_unit, groups, chunk)
        )


def _unit(groups: Groups, pairs: list[Key]) -> Flow:
    found = yield from _read(groups, pairs)
    return (
        (yield from groups.inputs.beside(found, [], None))
        if groups.selection.with_inputs
        else found
    )


def _read(groups: Groups, pairs: list[Key]) -> Flow:
    """These annotations.

    What an answer leaves out is asked for until nothing more comes: a page may hold
    fewer than it was asked to.
    """
    lines: dict[Key, ListedLine] = {}
    while left := [pair for pair in pairs if pair not in lines]:
        page = yield from one(groups.queries.pairs(left))
        if isinstance(page, Refused):
            rest = (
                _problems(left, page.reason)
                if len(left) == 1
                else (yield from _halve(groups, left))
            )
            return join_found([groups.keep_found(list(lines.values())), rest])
        came = {(line.input_id, line.id): line for line in page}
        if not any(pair in came for pair in left):
            return join_found(
                [
                    groups.keep_found(list(lines.values())),
                    _problems(left, "there is no such annotation"),
                ]
            )
        lines |= {pair: came[pair] for pair in left if pair in came}
    return groups.keep_found(list(lines.values()))


def _halve(groups: Groups, pairs: list[Key]) -> Flow:
    return together([_read(groups, part) for part in cut(pairs, len(pairs) // 2)])


def _problems(pairs: Sequence[Key], reason: str) -> Found:
    return Found(
        [],
        problems=[
            Problem(f"annotation {id} of input {input_id}", reason) for input_id, id in pairs
        ],
    )

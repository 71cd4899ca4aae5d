"""What is said of logs that are gone, of one and of many."""

from __future__ import annotations

import pytest

from syncer.sources.chosen import note_gone, tell_lost, tell_uncompared

SAID = {
    "applied, one": (note_gone(["a"]), "a is gone, and was applied to its end"),
    "applied, two": (note_gone(["a", "b"]), "a, b are gone, and were applied to their end"),
    "lost, one": (tell_lost([("a", 7)]), "a log is gone before its end: a (read up to line 7)."),
    "lost, two": (
        tell_lost([("a", 7), ("b", 8)]),
        "2 logs are gone before their end: a (read up to line 7), b (read up to line 8).",
    ),
    "not compared, one": (tell_uncompared(["a"]), "a is gone: what it asked for is not known"),
    "not compared, two": (
        tell_uncompared(["a", "b"]),
        "a, b are gone: what they asked for is not known",
    ),
    "not compared, many": (
        tell_uncompared(list("abcdefg")),
        "a, b, c, d, e, and 2 more are gone: what they",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_logs_that_are_gone_are_told_of_in_the_right_number(name: str) -> None:
    said, begins = SAID[name]
    assert said.startswith(begins)


@pytest.mark.parametrize(("count", "named"), [(1, "0"), (5, "0 1 2 3 4"), (6, "LOG…")])
def test_the_command_that_gives_lost_logs_up_names_them_while_they_are_few(
    count: int, named: str
) -> None:
    assert tell_lost([(str(number), 1) for number in range(count)]).endswith(
        f"`syncer state forget {named}`"
    )

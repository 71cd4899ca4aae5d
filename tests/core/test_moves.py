"""Which log a file is: a table of what users do to files, and what always holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer.core.change import LogIdentity, Stamp
from syncer.core.moves import (
    CarriedOn,
    Changed,
    Decision,
    FoundFile,
    KnownLog,
    Moved,
    MovedHere,
    New,
    Unclear,
    decide,
    is_name_of,
)

SECOND = 1_000_000_000
AT = 1_700_000_000 * SECOND
OLD = Stamp(1, 7, 100, AT + 5, AT + 5, AT)
OTHER = Stamp(1, 8, 100, AT + 9 * SECOND, AT + 9 * SECOND, AT + 9 * SECOND)


def known(
    where: Literal["there", "gone", "other"],
    number: int = 1,
    path: str = "/l/x.jsonl",
    was: str = "",
    stamp: Stamp = OLD,
) -> KnownLog:
    return KnownLog(number, (path, was) if was else (path,), stamp, where)


def found(
    path: str,
    stamp: Stamp = OTHER,
    known: int | None = None,
    holds: tuple[int, ...] = (),
    *,
    named: bool = True,
) -> FoundFile:
    return FoundFile(path, stamp, known, holds, named)


def decided(
    logs: list[KnownLog], files: list[FoundFile], moved: Moved | None = None
) -> list[Decision | None]:
    return decide({log.number: log for log in logs}, files, moved)


SAME_FILE = Stamp(1, 7, 999, AT + 77 * SECOND, AT + 77 * SECOND, AT)
SAME_TIME = Stamp(1, 9, 100, AT + 5, AT + 50 * SECOND, AT + 50 * SECOND)
WHOLE_SECOND = Stamp(1, 9, 100, AT, AT + 50 * SECOND, AT + 50 * SECOND)
NEXT_SECOND = Stamp(1, 9, 100, AT + SECOND, AT + 50 * SECOND, AT + 50 * SECOND)
SAME_INODE_BORN_LATER = Stamp(1, 7, 100, AT + 50 * SECOND, AT + 50 * SECOND, AT + 50 * SECOND)

ONE_FILE = [
    ("at its path", known("there"), found("/l/x.jsonl", known=1), CarriedOn(1)),
    (
        "at its path, while nothing says what else it holds",
        known("there"),
        found("/l/x.jsonl", OLD, 1, (1,)),
        CarriedOn(1),
    ),
    ("edited in place", known("other"), found("/l/x.jsonl", known=1), Changed(1)),
    ("a file that nobody knows", known("there"), found("/l/y.jsonl"), New()),
    ("a file that nobody knows, and a log that is gone", known("gone"), found("/l/y.jsonl"), New()),
    (
        "mv in the same file system, after it grew",
        known("gone"),
        found("/m/y.jsonl", SAME_FILE, holds=(1,)),
        MovedHere(1, "file"),
    ),
    (
        "mv to another file system, cp -p and rm",
        known("gone"),
        found("/m/y.jsonl", SAME_TIME, holds=(1,)),
        MovedHere(1, "time"),
    ),
    (
        "a packer that keeps whole seconds",
        known("gone"),
        found("/m/y.jsonl", WHOLE_SECOND, holds=(1,)),
        MovedHere(1, "time"),
    ),
    ("a second later", known("gone"), found("/m/y.jsonl", NEXT_SECOND, holds=(1,)), Unclear(1)),
    ("cp and rm", known("gone"), found("/m/y.jsonl", OTHER, holds=(1,)), Unclear(1)),
    (
        "an inode that was given to a later file",
        known("gone"),
        found("/m/y.jsonl", SAME_INODE_BORN_LATER, holds=(1,)),
        Unclear(1),
    ),
    ("another log with the old one's time", known("gone"), found("/m/y.jsonl", SAME_TIME), New()),
    ("cp", known("there"), found("/l/y.jsonl", OTHER, holds=(1,)), New(1)),
    ("cp -p", known("there"), found("/l/y.jsonl", SAME_TIME, holds=(1,)), New(1)),
    (
        "cp, then another log under the old name",
        known("other"),
        found("/l/y.jsonl", OTHER, holds=(1,)),
        Unclear(1),
    ),
    (
        "rotated, grown and compressed",
        known("gone"),
        found("/l/x.jsonl-20261126.gz", OTHER, holds=(1,)),
        MovedHere(1, "name"),
    ),
    (
        "rotated in another folder",
        known("gone"),
        found("/m/x.jsonl.1", OTHER, holds=(1,)),
        Unclear(1),
    ),
    ("rotated, another name", known("gone"), found("/l/x-1.jsonl", OTHER, holds=(1,)), Unclear(1)),
    (
        "rotated by mv, another name",
        known("other"),
        found("/l/x-1.jsonl", SAME_FILE, holds=(1,)),
        MovedHere(1, "file"),
    ),
    (
        "unpacked",
        known("gone", path="/l/x.jsonl.gz"),
        found("/l/x.jsonl", OTHER, holds=(1,)),
        MovedHere(1, "name"),
    ),
    (
        "rotated twice",
        known("other", path="/l/x.jsonl.1", was="/l/x.jsonl"),
        found("/l/x.jsonl.2", OTHER, holds=(1,)),
        MovedHere(1, "name"),
    ),
    ("found near by, and not it", known("gone"), found("/l/x.jsonl.1", OTHER, named=False), None),
    (
        "found near by, the same file",
        known("gone"),
        found("/l/old", SAME_FILE, holds=(1,), named=False),
        MovedHere(1, "file"),
    ),
    (
        "found near by, a copy",
        known("there"),
        found("/l/x.jsonl.1", OTHER, holds=(1,), named=False),
        None,
    ),
    (
        "found near by, of the same time",
        known("gone"),
        found("/l/y", SAME_TIME, holds=(1,), named=False),
        MovedHere(1, "time"),
    ),
    ("found near by, unclear", known("gone"), found("/l/y", OTHER, holds=(1,), named=False), None),
]


@pytest.mark.parametrize(
    ("log", "file", "decision"), [row[1:] for row in ONE_FILE], ids=[row[0] for row in ONE_FILE]
)
def test_what_users_do_to_a_log(log: KnownLog, file: FoundFile, decision: Decision | None) -> None:
    assert decided([log], [file]) == [decision]


def test_a_time_that_no_state_holds_and_an_unknown_birth_say_nothing() -> None:
    older = LogIdentity("/l/x.jsonl", "x", "", 7, 100, AT + 5, AT + 5).stamp
    assert (older.device, older.birth_ns) == (0, 0)
    unborn = Stamp(0, 7, 100, AT + 9 * SECOND, 0, 0)
    assert decided([known("gone", stamp=older)], [found("/m/y", unborn, holds=(1,))]) == [
        Unclear(1)
    ]


@pytest.mark.parametrize(
    ("moved", "decision"), [("same", MovedHere(1, "said")), ("new", New()), (None, Unclear(1))]
)
def test_the_user_decides_what_is_unclear(moved: Moved | None, decision: Decision) -> None:
    assert decided([known("gone")], [found("/m/y.jsonl", holds=(1,))], moved) == [decision]


@pytest.mark.parametrize("moved", ["same", "new", None])
def test_the_user_is_not_asked_about_a_file_at_its_path_or_one_that_was_certainly_moved_or_copied(
    moved: Moved | None,
) -> None:
    assert decided([known("there")], [found("/l/x.jsonl", known=1)], moved) == [CarriedOn(1)]
    assert decided([known("gone")], [found("/m/y.jsonl", SAME_FILE, holds=(1,))], moved) == [
        MovedHere(1, "file")
    ]
    assert decided([known("there")], [found("/m/y.jsonl", holds=(1,))], moved) == [New(1)]


def test_a_log_that_broke_off_within_a_line_is_where_the_line_goes_on() -> None:
    """Wrong: an import that was killed and run again into a push is asked about."""
    file = FoundFile("/m/y.jsonl", OTHER, None, (1,), continues=1)
    assert decided([known("gone")], [file]) == [MovedHere(1, "line")]
    assert decided([known("there")], [file]) == [New(1)]


@pytest.mark.parametrize("moved", ["same", "new", None])
def test_a_log_of_which_nothing_was_applied_is_known_by_its_path_alone(moved: Moved | None) -> None:
    logs = [known("gone"), known("other", 2, "/m/y.jsonl", stamp=NEXT_SECOND)]
    assert decided(logs, [FoundFile("/m/y.jsonl", OTHER, 2, (1,), awaited=True)], moved) == [
        CarriedOn(2)
    ]
    assert decided(
        logs, [FoundFile("/m/y.jsonl", NEXT_SECOND, 2, (1, 2), awaited=True)], moved
    ) == [CarriedOn(2)]


def test_at_the_path_of_a_log_of_which_nothing_was_applied_another_log_may_certainly_be() -> None:
    logs = [known("gone"), known("other", 2, "/m/y.jsonl", stamp=SAME_FILE)]
    assert decided(logs, [FoundFile("/m/y.jsonl", SAME_FILE, 2, (1, 2), awaited=True)]) == [
        MovedHere(1, "file")
    ]


def test_an_unapplied_log_is_found_as_the_same_file_beside_the_new_one_of_its_name() -> None:
    files = [
        FoundFile("/l/x.jsonl", OTHER, 1, awaited=True),
        found("/l/x.jsonl.1", SAME_FILE, holds=(1,), named=False),
    ]
    assert decided([known("other")], files) == [New(), MovedHere(1, "file")]


def test_a_rotation_gives_the_old_name_to_a_new_log() -> None:
    files = [
        found("/l/x.jsonl", OTHER, 1),
        found("/l/x.jsonl.1", SAME_FILE, holds=(1,), named=False),
    ]
    assert decided([known("other")], files) == [New(), MovedHere(1, "file")]
    assert decided([known("other")], files[:1]) == [Changed(1)]


def test_two_files_that_changed_their_names_with_each_other_are_two_known_logs() -> None:
    other = Stamp(1, 20, 100, AT + 3 * SECOND, 0, AT + 3 * SECOND)
    logs = [known("other"), known("other", 2, "/l/y.jsonl", stamp=other)]
    files = [found("/l/x.jsonl", other, 1, (2,)), found("/l/y.jsonl", OLD, 2, (1,))]
    assert decided(logs, files) == [MovedHere(2, "file"), MovedHere(1, "file")]


def test_the_file_itself_is_the_log_not_its_copy_of_the_same_time_whichever_comes_first() -> None:
    copy, itself = (
        found("/l/a.jsonl", SAME_TIME, holds=(1,)),
        found("/l/b.jsonl", SAME_FILE, holds=(1,)),
    )
    assert decided([known("gone")], [copy, itself]) == [New(1), MovedHere(1, "file")]
    assert decided([known("gone")], [itself, copy]) == [MovedHere(1, "file"), New(1)]


def test_of_two_unclear_copies_the_user_is_asked_about_both_and_same_is_the_first() -> None:
    files = [found("/m/a", holds=(1,)), found("/m/b", holds=(1,))]
    assert decided([known("gone")], files) == [Unclear(1), Unclear(1)]
    assert decided([known("gone")], files, "same") == [MovedHere(1, "said"), New(1)]


def test_of_two_logs_that_a_file_may_be_it_is_the_one_of_which_most_was_applied() -> None:
    logs = [known("gone"), known("gone", 2, "/l/y.jsonl")]
    assert decided(logs, [found("/m/a", SAME_TIME, holds=(2, 1))]) == [MovedHere(2, "time")]


def test_new_leaves_a_log_that_another_took_the_place_of_where_it_is() -> None:
    files = [found("/l/x.jsonl", OTHER, 1), found("/m/y.jsonl", holds=(1,))]
    assert decided([known("other")], files, "new") == [Changed(1), New()]
    assert decided([known("other")], files, "same") == [New(), MovedHere(1, "said")]


@pytest.mark.parametrize(
    ("path", "log", "is_name"),
    [
        ("/l/x.jsonl.1", "/l/x.jsonl", True),
        ("/l/x.jsonl-20261126.gz", "/l/x.jsonl", True),
        ("/l/x.jsonl.gz", "/l/x.jsonl", True),
        ("/l/x.jsonl", "/l/x.jsonl.gz", True),
        ("/l/x.jsonl", "/l/x.jsonl", False),
        ("/l/x-1.jsonl", "/l/x.jsonl", False),
        ("/l/x.jsonl/y", "/l/x.jsonl", False),
        ("/m/x.jsonl.1", "/l/x.jsonl", False),
    ],
)
def test_a_name_of_a_log_is_in_its_folder_and_begins_with_its_name(
    path: str, log: str, *, is_name: bool
) -> None:
    assert is_name_of(path, log) == is_name


# --- whatever users do ----------------------------------------------------------------


WHATEVER = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Case:
    """Some known logs, some files, and what the user said."""

    logs: list[KnownLog]
    files: list[FoundFile]
    moved: Moved | None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Few stamps and paths, so that files are often the same in something."""
    times, births = st.sampled_from([AT, AT + 5, AT + SECOND]), st.sampled_from([0, 1])
    stamps = st.builds(
        Stamp,
        st.sampled_from([0, 1]),
        st.sampled_from([7, 8]),
        st.just(1),
        times,
        st.just(0),
        births,
    )
    paths = ["/l/x", "/l/x.1", "/l/x.gz", "/m/y", "/m/x"]
    at = draw(st.lists(st.sampled_from(paths), unique=True, max_size=4))
    logs = [
        KnownLog(n, (path,), draw(stamps), draw(st.sampled_from(["there", "gone", "other"])))
        for n, path in enumerate(at, 1)
    ]
    files = []
    for path in draw(st.lists(st.sampled_from(paths), unique=True, max_size=5)):
        own = next((log for log in logs if log.names == (path,) and log.where != "gone"), None)
        holds = tuple(
            draw(
                st.permutations(
                    [log.number for log in logs if log is not own and draw(st.booleans())]
                )
            )
        )
        files.append(
            FoundFile(path, draw(stamps), own.number if own else None, holds, draw(st.booleans()))
        )
    return Case(logs, files, draw(st.sampled_from([None, "same", "new"])))


@WHATEVER
@given(cases())
def test_no_log_is_in_two_files_and_none_is_taken_from_where_it_still_is(case: Case) -> None:
    logs = {log.number: log for log in case.logs}
    decisions = decide(logs, case.files, case.moved)
    assert len(decisions) == len(case.files)
    taken = Counter(
        decision.log for decision in decisions if isinstance(decision, CarriedOn | MovedHere)
    )
    assert set(taken.values()) <= {1}
    for file, decision in zip(case.files, decisions, strict=True):
        if isinstance(decision, MovedHere):
            assert decision.log in file.holds
            assert logs[decision.log].where != "there"
        if isinstance(decision, CarriedOn):
            assert file.known == decision.log


@WHATEVER
@given(cases())
def test_every_named_file_is_decided_and_nothing_is_applied_twice_unless_it_is_said(
    case: Case,
) -> None:
    logs = {log.number: log for log in case.logs}
    decisions = decide(logs, case.files, case.moved)
    taken = {decision.log for decision in decisions if isinstance(decision, CarriedOn | MovedHere)}
    for file, decision in zip(case.files, decisions, strict=True):
        if not file.named:
            assert decision is None or isinstance(decision, MovedHere | CarriedOn)
            continue
        assert decision is not None
        assert case.moved is None or not isinstance(decision, Unclear)
        if isinstance(decision, New) and decision.copy_of is None and case.moved != "new":
            assert not file.holds
        if isinstance(decision, New) and decision.copy_of is not None:
            assert (
                decision.copy_of in taken
                or logs[decision.copy_of].where == "there"
                or case.moved == "new"
            )


@WHATEVER
@given(cases(), st.randoms(use_true_random=False))
def test_what_is_certain_does_not_hang_on_the_order_of_the_files(case: Case, rng: object) -> None:
    shuffled = list(case.files)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    logs = {log.number: log for log in case.logs}
    one = dict(zip([file.path for file in case.files], decide(logs, case.files, None), strict=True))
    other = dict(zip([file.path for file in shuffled], decide(logs, shuffled, None), strict=True))
    for file in case.files:
        if file.known is None and all(
            set(file.holds).isdisjoint(rest.holds) for rest in case.files if rest is not file
        ):
            assert one[file.path] == other[file.path]

"""An outbox table in SQLite, from its rows to `applied_at` and `error`: pushed by the
engine to a fake service, over restarts, while the application and others write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio
import orjson
import pytest

from syncer.core.events import SourceFailed
from syncer.core.outcome import Answered, Retriable
from syncer.errors import SyncerError, UsageError
from syncer.sources.outbox import Outbox, TableRestored
from syncer.sources.outbox_table import RowEnding, TableTold
from syncer.sources.sqlite import SqliteTable
from syncer.sources.sqlite_sql import trigger_sql
from tests.support.lines import delete, holds, patch, post
from tests.support.outbox import (
    TABLE,
    Following,
    cells,
    ended,
    insert,
    make_outbox,
    replace_database,
    writing,
)

APPLIED, TO_DO = (True, None), (False, None)


@pytest.fixture
def world(tmp_path: Path) -> Following:
    return Following(tmp_path)


def fates(world: Following) -> dict[int, tuple[bool, str | None]]:
    """By id, whether a row was applied, and its error."""
    return {id: (applied, error) for id, applied, error in ended(world.path)}


async def nothing() -> None:
    await anyio.sleep(20)


# --- each row once --------------------------------------------------------------------


def test_rows_are_applied_in_the_order_of_their_ids(world: Following) -> None:
    insert(world.path, post("a"), patch("a"), post("b"))
    world.follow(nothing)
    assert world.service.held == {("i", "a"): holds("patched"), ("i", "b"): holds()}
    assert set(fates(world).values()) == {APPLIED}


def test_rows_that_commit_late_are_applied_although_higher_ids_were_before_them(
    world: Following,
) -> None:
    def insert_as(id: int, line: bytes) -> None:
        with writing(world.path) as connection:
            connection.execute(f"insert into {TABLE} (id, change) values (?, ?)", (id, line))

    async def late() -> None:
        insert_as(12, post("a"))
        await nothing()
        insert_as(11, post("b"))
        await nothing()

    world.follow(late)
    assert world.applied() == ["a", "b"]
    assert fates(world) == {11: APPLIED, 12: APPLIED}


def test_of_two_rows_of_an_annotation_that_are_there_the_lower_id_comes_first(
    world: Following,
) -> None:
    with writing(world.path) as connection:
        for id, line in ((9, patch("a")), (3, post("a"))):
            connection.execute(f"insert into {TABLE} (id, change) values (?, ?)", (id, line))
    world.follow(nothing)
    assert world.service.held == {("i", "a"): holds("patched")}


def test_a_row_with_the_id_of_a_deleted_one_is_another_row(world: Following) -> None:
    def insert_first(line: bytes) -> None:
        with writing(world.path) as connection:
            connection.execute(f"delete from {TABLE}")
            connection.execute(f"insert into {TABLE} (id, change) values (1, ?)", (line,))

    async def reuse() -> None:
        insert_first(post("a"))
        await nothing()
        insert_first(post("b"))
        await nothing()

    world.follow(reuse)
    assert world.applied() == ["a", "b"]
    assert fates(world) == {1: APPLIED}


def test_a_row_that_was_replaced_while_it_was_on_its_way_is_not_told_of_the_other_ones_end(
    world: Following,
) -> None:
    insert(world.path, post("a"))

    async def replace() -> None:
        free = world.service.hold("post")
        await nothing()
        with writing(world.path) as connection:
            connection.execute(f"update {TABLE} set change = ?", ("rubbish",))
        free()
        await nothing()

    world.follow(replace)
    assert world.applied() == ["a"]
    (applied, error) = fates(world)[1]
    assert not applied
    assert error is not None
    assert error.startswith("not JSON")


def test_a_rolled_back_row_was_never_there(world: Following) -> None:
    async def roll_back() -> None:
        with closing(sqlite3.connect(world.path)) as connection:
            connection.execute(f"insert into {TABLE} (change) values (?)", (post("a"),))
            await nothing()
            connection.rollback()
        insert(world.path, post("b"))
        await nothing()

    world.follow(roll_back)
    assert world.applied() == ["b"]


def test_a_row_without_an_id_of_its_annotation_gets_one_that_a_lost_spool_does_not_change(
    world: Following, tmp_path: Path
) -> None:
    insert(world.path, b'{"op":"post","annotation":{"input_id":"i"}}')
    world.follow(nothing)
    other = Following(tmp_path / "other", world.path)
    with writing(world.path) as connection:
        connection.execute(f"update {TABLE} set applied_at = null")
    other.follow(nothing)
    assert other.applied() == world.applied()
    assert len(world.applied()[0]) == 32


def test_what_is_no_line_of_a_change_log_is_one_row_all_the_same(world: Following) -> None:
    pretty = '{\n  "op": "post",\r\n  "annotation": {"input_id": "i", "id": "a"}\n}\n'
    odd = ["", " \n", "\ufeff", "\n{\n", b"\xff", 5, pretty, post("b")]
    with writing(world.path) as connection:
        sql = f"insert into {TABLE} (change) values (?)"
        connection.executemany(sql, [(change,) for change in odd])
    world.follow(nothing)
    assert sorted(world.applied()) == ["a", "b"]
    errors = [error for _, error in fates(world).values() if error]
    assert len(errors) == 6
    assert [letter.line for letter in world.letters] == [1, 2, 3, 4, 5, 6]


# --- what the table is told -----------------------------------------------------------


def test_a_refused_change_is_an_error_with_its_reason_and_a_letter_names_the_row(
    world: Following,
) -> None:
    insert(world.path, post("a"), b"rubbish", patch("nobody"))
    world.follow(nothing)
    assert fates(world)[1] == APPLIED
    assert [(letter.line, letter.reason) for letter in world.letters] == [
        (id, error) for id, (_, error) in fates(world).items() if error
    ]
    assert fates(world)[3] == (False, "no such annotation")


def test_a_row_is_to_do_for_as_long_as_its_change_waits_in_the_retry_queue(
    world: Following,
) -> None:
    insert(world.path, post("a"))
    seen = []

    async def fail_for_a_while() -> None:
        world.refuse_for_now()
        await anyio.sleep(1)
        assert world.journal.ledger.queue
        seen.append(fates(world)[1])
        world.service.always("post", None)
        await anyio.sleep(60)

    world.follow(fail_for_a_while)
    assert [*seen, fates(world)[1]] == [TO_DO, APPLIED]
    assert world.applied() == ["a"]


def test_a_change_that_waits_over_a_restart_is_not_taken_again(world: Following) -> None:
    insert(world.path, post("a"))

    async def fail() -> None:
        world.refuse_for_now()
        await anyio.sleep(1)

    world.follow(fail)
    assert fates(world)[1] == TO_DO
    world.service.always("post", None)
    world.follow(nothing)
    assert fates(world)[1] == APPLIED
    assert world.counts() == (1, 0, 0, 0)


def test_clearing_an_error_asks_again(world: Following) -> None:
    insert(world.path, patch("a"))

    async def clear() -> None:
        await nothing()
        world.service.held["i", "a"] = holds()
        with writing(world.path) as connection:
            connection.execute(f"update {TABLE} set error = null")
        await nothing()

    world.follow(clear)
    assert fates(world)[1] == APPLIED
    assert world.applied() == ["a"]


def test_clearing_an_error_while_nobody_looks_asks_again(world: Following) -> None:
    insert(world.path, patch("a"))
    world.follow(nothing)
    world.service.held["i", "a"] = holds()
    with writing(world.path) as connection:
        connection.execute(f"update {TABLE} set error = null")
    world.follow(nothing)
    assert fates(world)[1] == APPLIED


def test_a_letter_that_is_retried_takes_the_error_of_its_row_away(world: Following) -> None:
    insert(world.path, patch("a"), patch("b"))

    async def retry() -> None:
        await nothing()
        world.service.held["i", "a"] = holds()
        await world.retry(0)
        await world.retry(1)
        await nothing()

    world.follow(retry)
    assert fates(world) == {1: APPLIED, 2: (False, "no such annotation")}
    assert len(world.letters) == 3


def test_a_letter_that_waits_over_a_restart_once_it_is_retried_does_so_too(
    world: Following,
) -> None:
    insert(world.path, *(post(f"filling {n}") for n in range(20)), patch("a"))

    async def retry() -> None:
        await nothing()
        world.service.always("overwrite", lambda _: Answered([Retriable("not now")]))
        world.service.held["i", "a"] = holds()
        await world.retry(0)
        insert(world.path, *(post(f"more {n}") for n in range(20)))
        await anyio.sleep(2)

    world.follow(retry)
    assert fates(world)[21] == (False, "no such annotation")
    world.service.always("overwrite", None)
    world.follow(nothing)
    assert set(fates(world).values()) == {APPLIED}
    assert world.service.held["i", "a"] == holds("patched")


@pytest.mark.parametrize("killed_at", [0.02, 0.05, 0.1, 0.3, 0.31, 0.32, 0.35, 0.4, 0.5, 1.2])
def test_killed_at_any_time_nothing_is_lost_and_nothing_comes_twice(
    world: Following, killed_at: float
) -> None:
    insert(world.path, post("a"), patch("a", data=1), b"rubbish", delete("b"), post("c"))
    world.follow(nothing, killed_at=killed_at)
    world.follow(nothing)
    assert world.service.held == {("i", "a"): holds(1), ("i", "c"): holds()}
    read = sum(world.counts())
    assert [*fates(world).values()].count(APPLIED) == 4
    assert read in (5, 6)  # a dead one whose error was not written is asked again


def test_killed_after_the_append_the_spool_has_the_rows_and_the_table_gives_them_no_more(
    world: Following,
) -> None:
    insert(world.path, post("a"), post("b"))

    async def read(source: Outbox) -> None:
        chunk = await source.read()
        assert chunk is not None
        assert chunk.count == 2

    world.meet(read)
    world.follow(nothing)
    assert world.counts() == (2, 0, 0, 0)


def test_killed_between_the_table_and_the_note_of_it_the_table_is_told_once_more(
    world: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(world.path, post("a"))
    before = cells(world.path, "applied_at")

    class Gone(Exception):
        """The process is gone."""

    async def tell(table: SqliteTable, endings: list[RowEnding]) -> TableTold:
        await told(table, endings)
        raise Gone

    told = SqliteTable.tell
    monkeypatch.setattr(SqliteTable, "tell", tell)
    with pytest.raises(ExceptionGroup):
        world.follow(nothing)
    monkeypatch.undo()
    after = cells(world.path, "applied_at")
    assert after != before
    world.follow(nothing)
    assert cells(world.path, "applied_at") == after
    assert world.counts() == (1, 0, 0, 0)


def test_the_table_is_claimed_before_anything_is_written_to_it(
    world: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock is of one connection: what the last process left untold has to wait for
    the lock of the next one.
    """
    insert(world.path, post("a"))
    claimed: list[SqliteTable] = []

    async def version(table: SqliteTable) -> object:
        claimed.append(table)
        return await look(table)

    async def refuse(table: SqliteTable, endings: Sequence[RowEnding]) -> TableTold:
        raise SyncerError("the connection is lost")

    async def tell(table: SqliteTable, endings: Sequence[RowEnding]) -> TableTold:
        if table not in claimed:
            raise SyncerError("the lock is lost")
        return await write(table, endings)

    look, write = SqliteTable.version, SqliteTable.tell
    monkeypatch.setattr(SqliteTable, "tell", refuse)
    world.follow(nothing)
    assert world.counts() == (1, 0, 0, 0)
    assert ended(world.path) == [(1, False, None)]
    monkeypatch.setattr(SqliteTable, "version", version)
    monkeypatch.setattr(SqliteTable, "tell", tell)
    world.follow(nothing)
    assert ended(world.path) == [(1, True, None)]


def test_the_spool_is_cut_once_the_table_was_told(world: Following) -> None:
    async def many() -> None:
        for n in range(30):
            insert(world.path, post(f"a{n}"))
            await anyio.sleep(2)

    world.follow(many)
    assert len(list((world.folder / "inbox").glob("*.log"))) <= 2


# --- what is in the way ---------------------------------------------------------------


def failure(world: Following) -> str:
    """The last reason for which the source was parked."""
    return [event for event in world.events if isinstance(event, SourceFailed)][-1].reason


def test_a_locked_database_is_waited_for(world: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncer.sources.sqlite.BUSY_SECONDS", 0.01)
    insert(world.path, post("a"))

    async def lock() -> None:
        with closing(sqlite3.connect(world.path, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            await anyio.sleep(5)
            connection.execute("rollback")
        await anyio.sleep(200)

    world.follow(lock)
    assert "another program has held its lock" in failure(world)
    assert fates(world)[1] == APPLIED
    assert world.counts() == (1, 0, 0, 0)


def test_a_second_reader_waits_for_the_end_of_the_first_one(
    world: Following, tmp_path: Path
) -> None:
    second = Following(tmp_path / "second", world.path)
    insert(world.path, post("a"))

    async def read(first: Outbox) -> None:
        assert await first.read() is not None
        waiting = second.open()
        with pytest.raises(SyncerError, match="is read by another syncer"):
            await waiting.read()
        await first.close()
        chunk = await waiting.read()
        assert chunk is not None
        assert chunk.count == 1
        await waiting.close()

    world.meet(read)


def test_no_transaction_is_left_open(world: Following) -> None:
    insert(world.path, post("a"))

    async def truncate() -> None:
        await nothing()
        with closing(sqlite3.connect(world.path)) as connection:
            busy, _, _ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            assert not busy

    world.follow(truncate)


def test_another_file_under_the_name_is_read_instead(world: Following, tmp_path: Path) -> None:
    async def replace() -> None:
        insert(world.path, post("a"))
        await nothing()
        other = tmp_path / "other.db"
        make_outbox(other)
        insert(other, post("b"), post("c"))
        replace_database(other, world.path)
        await nothing()
        insert(world.path, post("d"))
        await nothing()

    world.follow(replace)
    assert world.applied() == ["a", "b", "c", "d"]
    assert set(fates(world).values()) == {APPLIED}


def _other(id: str, more: str = "") -> str:
    """An outbox with this column and these rules."""
    columns = f"{id}, change text, created_at text, applied_at text, error text"
    return f"drop table {TABLE}; create table {TABLE} ({columns}{more and ', '}{more})"


@pytest.mark.parametrize(
    "id",
    [
        "id integer primary key",
        "ID Integer not null primary key",
        "id int not null primary key",
        "id integer not null unique",
    ],
)
def test_ids_that_are_unique_and_never_null_make_an_outbox(world: Following, id: str) -> None:
    with closing(sqlite3.connect(world.path)) as connection:
        connection.executescript(f"drop index outbox_to_do; {_other(id)}")
    SqliteTable(world.path, TABLE).check()


def test_the_example_of_triggers_writes_changes(world: Following) -> None:
    with closing(sqlite3.connect(world.path)) as connection:
        connection.executescript(
            "create table labels (id text, input_id text, data text);"
            + trigger_sql(TABLE)
            + """insert into labels values ('a', 'i', '{}');
            update labels set data = '{"concepts": []}'; delete from labels;"""
        )
    named = {"id": "a", "input_id": "i"}
    assert [orjson.loads(str(change)) for change in cells(world.path, "change")] == [
        {"op": "post", "annotation": {**named, "data": {}}},
        {"op": "patch", "action": "overwrite", "annotation": {**named, "data": {"concepts": []}}},
        {"op": "delete", "annotation": named},
    ]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (f"drop table {TABLE}", "holds no table outbox: make it with `syncer source init sqlite"),
        (f"alter table {TABLE} drop column error", "is not an outbox: it lacks error"),
        (
            f"alter table {TABLE} rename to o; create view {TABLE} as select * from o",
            "is not an outbox: it is a view",
        ),
        (_other("id integer unique"), "its ids may come twice or be null"),
        (_other("id int primary key"), "its ids may come twice or be null"),
        (_other("id integer not null"), "its ids may come twice or be null"),
        (
            _other("id integer not null", "primary key (id, change)"),
            "its ids may come twice or be null",
        ),
    ],
)
def test_a_table_that_is_no_outbox_is_told(world: Following, sql: str, reason: str) -> None:
    with closing(sqlite3.connect(world.path)) as connection:
        connection.executescript(f"drop index outbox_to_do; {sql}")
    with pytest.raises(UsageError, match=reason):
        SqliteTable(world.path, TABLE).check()


def test_a_database_that_is_missing_is_not_made(tmp_path: Path) -> None:
    table = SqliteTable(tmp_path / "none.db", TABLE)
    with pytest.raises(SyncerError, match=r"none\.db cannot be read: No such file"):
        table.check()
    assert not (tmp_path / "none.db").exists()


def test_a_table_whose_ids_are_used_again_or_that_is_slow_to_look_through_is_noted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "labels.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "create table o (id integer primary key /* autoincrement */, change, created_at,"
            " applied_at, error)"
        )
    table = SqliteTable(path, "o")

    table.check()
    used_again, slow = table.notes
    assert "autoincrement" in used_again
    assert "create an index" in slow


# --- a table that was set back --------------------------------------------------------


async def copy_and_restore(world: Following) -> None:
    """Rows a and b were applied, b after the copy was made."""
    insert(world.path, post("a"))
    await nothing()
    insert(world.path, post("b"))
    world.refuse_for_now()
    await anyio.sleep(2)
    copy = world.path.with_name("copy.db")
    with closing(sqlite3.connect(world.path)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    world.service.always("post", None)
    await anyio.sleep(60)
    assert fates(world) == {1: APPLIED, 2: APPLIED}
    replace_database(copy, world.path)
    await nothing()


def test_a_restored_table_parks_the_source_and_says_the_ways_out(world: Following) -> None:
    world.follow(lambda: copy_and_restore(world))
    assert fates(world) == {1: APPLIED, 2: TO_DO}
    assert "was restored from an older copy: row 2 was applied, and is to do there" in failure(
        world
    )
    assert '{"restored": "applied"}' in failure(world)
    assert '{"restored": "send"}' in failure(world)
    assert world.applied() == ["a", "b"]


def test_rows_of_a_restored_table_are_taken_for_applied(world: Following) -> None:
    world.follow(lambda: copy_and_restore(world))

    async def resume(source: Outbox) -> None:
        with pytest.raises(TableRestored):
            await source.read()
        await source.resume("applied")
        insert(world.path, post("c"))

    world.meet(resume)
    world.follow(nothing)
    assert set(fates(world).values()) == {APPLIED}
    assert world.applied() == ["a", "b", "c"]


def test_rows_of_a_restored_table_are_sent_again(world: Following) -> None:
    world.follow(lambda: copy_and_restore(world))
    world.meet(lambda source: source.resume("send"))
    del world.service.held["i", "b"]
    world.follow(nothing)
    assert set(fates(world).values()) == {APPLIED}
    assert world.applied() == ["a", "b", "b"]


def test_ids_that_went_back_show_that_a_table_was_restored(world: Following) -> None:
    async def restore() -> None:
        insert(world.path, post("a"))
        await nothing()
        copy = world.path.with_name("copy.db")
        with closing(sqlite3.connect(world.path)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        insert(world.path, post("b"))
        await nothing()
        replace_database(copy, world.path)
        insert(world.path, post("c"))
        insert(world.path, post("d"))
        with writing(world.path) as connection:
            connection.execute(f"delete from {TABLE} where id = 2")
            connection.execute("update sqlite_sequence set seq = 1")
        await nothing()

    world.follow(restore)
    assert "its ids went back from 2 to 1" in failure(world)
    assert world.applied() == ["a", "b"]


@pytest.mark.parametrize("which", ["id = 3", "id < 3", "1"])
def test_applied_rows_may_be_deleted(world: Following, which: str) -> None:
    async def prune() -> None:
        insert(world.path, post("a"), post("b"), post("c"))
        await nothing()
        with writing(world.path) as connection:
            connection.execute(f"delete from {TABLE} where {which}")
        insert(world.path, post("d"))
        await nothing()

    world.follow(prune)
    assert world.applied() == ["a", "b", "c", "d"]


def test_a_table_that_was_made_again_proves_nothing(world: Following) -> None:
    async def make_again() -> None:
        insert(world.path, post("a"), post("b"))
        await nothing()
        with writing(world.path) as connection:
            connection.execute(f"delete from {TABLE}")
            connection.execute("delete from sqlite_sequence")
        insert(world.path, post("c"))
        await nothing()
        insert(world.path, post("d"))
        await nothing()

    world.follow(make_again)
    assert world.applied() == ["a", "b", "c", "d"]


# --- when rows were written -----------------------------------------------------------


@pytest.mark.parametrize(
    ("created_at", "seconds"),
    [
        ("2026-11-27T20:00:00.5Z", 1795809600.5),
        ("2026-11-27 20:00:00", 1795809600.0),
        ("2026-11-27 22:00:00.25+02", 1795809600.25),
        (1795809600, 1795809600.0),
        ("yesterday", 0.0),
        (None, 0.0),
    ],
)
def test_a_row_is_dated_by_its_time_also_after_a_restart(
    world: Following, created_at: object, seconds: float
) -> None:
    with writing(world.path) as connection:
        connection.execute("pragma ignore_check_constraints = on")
        connection.execute(f"drop table {TABLE}")
        connection.execute(
            f"create table {TABLE} (id integer primary key autoincrement, change text,"
            " created_at, applied_at text, error text)"
        )
        connection.execute(
            f"insert into {TABLE} (change, created_at) values (?, ?)", (post("a"), created_at)
        )
    dates: list[float] = []

    async def read(source: Outbox) -> None:
        chunk = await source.read()
        assert chunk is not None
        dates.append(chunk.written_at)

    world.meet(read)
    world.meet(read)
    assert dates == [seconds, seconds]

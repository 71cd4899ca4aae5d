"""What a verification compares, counts and tells, in one process and virtual time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from syncer.core.facts import Destination
from syncer.core.ports.wire import Reply, Request
from syncer.errors import LogChanged, StateError, Stopped, UsageError
from syncer.jobs.compare.parts import PartFiles, Recorded
from syncer.jobs.verified import Finding
from syncer.journal.journal import Journal
from tests.remotes.made import change
from tests.support.lanes import App
from tests.support.lines import delete, delete_all, patch, post

MISSING = Reply(404, b'{"status":{"code":11101,"description":"no such input"}}')


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def pushed(app: App, path: Path, *lines: bytes) -> Path:
    assert app.push(write(path, *lines)).error is None
    return path


def marks(told: list[Finding]) -> dict[tuple[str, str], str]:
    return {(looked.input_id, looked.id): looked.mark for looked in told}


def test_what_was_pushed_is_there_and_each_annotation_is_told(app: App, tmp_path: Path) -> None:
    log = pushed(
        app, tmp_path / "log.jsonl", post("a"), post("b", "j"), patch("a"), post("c"), delete("c")
    )
    result, told = app.verify(log)
    assert (result.compared, result.same, result.differences, result.exit_code) == (2, 2, 0, 0)
    assert marks(told) == {("i", "a"): "=", ("j", "b"): "="}
    assert result.requests >= 1


def test_without_a_log_every_log_of_the_state_is_compared(app: App, tmp_path: Path) -> None:
    pushed(app, tmp_path / "1.jsonl", post("a"))
    pushed(app, tmp_path / "2.jsonl", post("b"))
    assert app.verify()[0].same == 2


def test_every_difference_has_its_mark(app: App, tmp_path: Path) -> None:
    log = pushed(
        app,
        tmp_path / "log.jsonl",
        *[post(f"a{number}") for number in range(5)],
        post("gone"),
        delete("gone"),
    )
    app.there.delete(("i", "a0"))
    app.there.put({**app.held["i", "a1"], "data": {"metadata": {"is": "edited"}}})
    app.there.put({**app.held["i", "a2"], "id": "double"})
    app.there.put({**app.held["i", "a3"], "id": "gone", "data": {"metadata": {"is": "back"}}})
    result, told = app.verify(log)
    assert {key: mark for key, mark in marks(told).items() if mark != "="} == {
        ("i", "a0"): "+",
        ("i", "a1"): "*",
        ("i", "double"): "-",
        ("i", "gone"): "*",
    }
    assert (result.missing, result.differs, result.doubled, result.differences) == (1, 2, 1, 4)
    assert result.compared == result.same + result.missing + result.differs
    assert result.exit_code == 4


def test_what_others_made_is_extra_and_a_difference_only_where_the_logs_are_all_there_is(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"))
    app.there.put({**app.held["i", "a"], "id": "theirs", "data": {"metadata": {"is": "theirs"}}})
    result, told = app.verify(log)
    assert (result.extra, result.differences, result.exit_code, len(told)) == (1, 0, 0, 1)
    result, told = app.verify(log, exclusive=True)
    assert (result.extra, result.differences, result.exit_code) == (1, 1, 4)
    assert marks(told)["i", "theirs"] == "-"


def test_what_models_made_is_nobodys(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"))
    app.there.put({**app.held["i", "a"], "id": "model", "model_version_id": "m"})
    assert app.verify(log, exclusive=True)[0].extra == 0


def test_what_a_delete_of_a_whole_input_left_there_is_found(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"), delete_all("i"))
    assert app.verify(log)[0].exit_code == 0
    app.there.put({"input_id": "i", "id": "a", "data": {"metadata": {"is": "new"}}})
    result, told = app.verify(log)
    assert (result.exit_code, result.differences) == (4, 1)
    assert [looked.input_id for looked in told] == ["i"]


def test_what_the_remote_refused_is_no_difference(app: App, tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", post("a"), patch("nobody's"), b"bad")
    assert app.push(log).summary.dead == 2
    result, _ = app.verify(log)
    assert (result.exit_code, result.same, result.bad_lines) == (0, 1, 1)


def test_what_was_not_applied_yet_is_a_difference(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"))
    write(log, post("a"), post("b"))
    result, told = app.verify(log)
    assert (result.missing, marks(told)["i", "b"]) == (1, "+")


def test_a_sample_looks_at_so_many_inputs_and_never_at_more(app: App, tmp_path: Path) -> None:
    log = pushed(
        app,
        tmp_path / "log.jsonl",
        *[post(f"a{number}", f"i{number // 2}") for number in range(40)],
    )
    assert app.verify(log, sample=5)[0].compared == 10
    assert app.verify(log, sample=20)[0].compared == 40
    assert app.verify(log, sample=1000)[0].compared == 40
    assert app.verify(log, sample=1)[0].compared == 2


def test_samples_differ_from_time_to_time(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", *[post("a", f"i{number}") for number in range(60)])
    samples = {
        tuple(sorted(looked.input_id for looked in app.verify(log, sample=6)[1])) for _ in range(5)
    }
    assert len(samples) > 1


def test_which_inputs_are_in_a_sample_does_not_hang_on_their_order_in_the_log(
    app: App, tmp_path: Path
) -> None:
    """Else early ones, or late ones, would be looked at more often."""
    lines = [post("a", f"i{number}") for number in range(12)]
    for seed in range(3):
        samples = []
        for log in (
            pushed(app, tmp_path / "up.jsonl", *lines),
            pushed(app, tmp_path / "down.jsonl", *lines[::-1]),
        ):
            random.seed(seed)
            samples.append(marks(app.verify(log, sample=4)[1]))
        assert samples[0] == samples[1]
        assert len(samples[0]) == 4


def test_inputs_that_cannot_be_read_are_told_with_their_reason_and_the_others_are_compared(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"), post("b", "j"), post("c", "k"))
    app.interfering = lambda request: MISSING if "input_ids=j" in request.path else None
    result, told = app.verify(log)
    assert (result.unreadable, result.same, result.exit_code) == (1, 2, 3)
    (unreadable,) = [looked for looked in told if looked.mark == "!"]
    assert unreadable.input_id == "j"
    assert "no such input" in unreadable.sentence()


def test_differences_count_more_than_what_could_not_be_read(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"), post("b", "j"))
    app.there.delete(("i", "a"))
    app.interfering = lambda request: MISSING if "input_ids=j" in request.path else None
    assert app.verify(log)[0].exit_code == 4


def test_an_error_counts_more_than_differences(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", *[post("a", f"i{number}") for number in range(3)])
    app.there.delete(("i0", "a"))
    app.interfering = lambda _: Reply(401, b'{"status":{"code":11009,"description":"who are you"}}')
    result, _ = app.verify(log)
    assert result.exit_code == 2


def test_a_log_that_is_cut_off_does_not_pass(app: App, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(post("a") + b"\n" + post("b")[:-5])
    app.push(log)
    result, told = app.verify(log)
    assert result.exit_code == 1
    assert "Verify again" in str(result.error)
    assert marks(told) == {("i", "a"): "="}


def test_a_log_that_was_replaced_is_refused_as_by_a_push(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"), post("b"))
    write(log, post("other"))
    with pytest.raises(LogChanged):
        app.verify(log)


def test_a_state_of_another_destination_is_refused(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"))
    with pytest.raises(StateError, match="another destination"):
        app.verify(log, config={"clarifai__base_url": "http://127.0.0.1:2"})


def test_without_a_state_a_named_log_is_compared_and_without_a_log_there_is_nothing_to_compare(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"))
    elsewhere = {"state__dir": str(tmp_path / "none")}
    assert app.verify(log, config=elsewhere)[0].same == 1
    with pytest.raises(UsageError, match="no change log"):
        app.verify(config=elsewhere)
    assert not (tmp_path / "none").exists()


def test_a_pause_of_the_push_holds_for_a_verification(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"))
    write(log, post("a"), post("b"))
    throttle = Reply(429, b'{"status":{"code":11005}}', "90")
    app.interfering = lambda request: throttle if request.method == "POST" else None
    asked: list[float] = []

    def note(request: Request) -> Reply | None:
        asked.append(app.time.now)
        return throttle if request.method == "POST" else None

    app.interfering = note
    app.push(log, retry__give_up_seconds=20)
    told_at = asked[-1]
    app.interfering = lambda _: asked.append(app.time.now)
    app.verify(log)
    assert asked[-1] >= told_at + 89.0


@pytest.mark.parametrize("kept", [True, False])
def test_only_a_pause_that_the_state_keeps_can_be_lifted_there(
    app: App, tmp_path: Path, kept: bool
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"))
    journal = Journal.open(app.state, None)
    journal.commit(
        [
            Destination(
                "paused" if kept else "probing", app.time.clock.wall() + 5000.0, "busy", 5000.0
            )
        ]
    )
    journal.close()
    app.interfering = lambda _: Reply(429, b'{"status":{"code":11005}}', "5000")
    result, _ = app.verify(log, config={"retry__give_up_seconds": 20})
    assert isinstance(result.error, Stopped)
    assert ("syncer state resume" in str(result.error)) == kept


def test_many_inputs_in_several_parts_are_all_compared(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncer.jobs.compare.parts.PART_BYTES", 1000)
    monkeypatch.setattr("syncer.jobs.compare.parts.WAITING_BYTES_MAX", 300)
    log = pushed(
        app,
        tmp_path / "log.jsonl",
        *[post(f"a{number}", f"i{number}") for number in range(200)],
        patch("a7", "i7"),
    )
    result, _ = app.verify(log)
    assert (result.compared, result.same) == (200, 200)


@pytest.mark.parametrize("count", [1, 7])
def test_changes_by_input_come_back_in_their_order_each_once_and_few_of_them_wait_in_memory(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncer.jobs.compare.parts.WAITING_BYTES_MAX", 2000)
    parts = PartFiles(tmp_path, count)
    recorded: dict[str, list[Recorded]] = {}
    added_bytes = 0
    for number in range(300):
        made = change(
            {"id": f"a{number}", "input_id": f"i{number % 20}", "data": {"n": number}},
            "post" if number % 3 else "delete",
        )
        parts.add(made)
        recorded.setdefault(made.input_id, []).append(
            (made.verb, made.id, made.body if number % 3 else b"")
        )
        added_bytes += len(made.input_id) + len(made.id) + len(recorded[made.input_id][-1][2])
        written_bytes = sum(file.stat().st_size for file in tmp_path.iterdir())
        assert added_bytes - 2000 <= written_bytes
        assert written_bytes == 0 or added_bytes > 200
    parts.write()
    found = list(parts)
    assert {input_id: changes for part in found for input_id, changes in part.items()} == recorded
    assert (sum(map(len, found)), list(tmp_path.iterdir())) == (20, [])


def test_a_log_that_is_gone_is_named_and_what_was_doubled_may_be_its(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    other = pushed(app, tmp_path / "2.jsonl", post("b", data="other"))
    app.there.put({**app.held["i", "a"], "id": "double"})
    other.unlink()
    result, _ = app.verify()
    assert result.gone == [str(other)]
    assert (result.doubled, result.same, result.exit_code) == (0, 1, 3)
    assert app.verify(log)[0].doubled == 1

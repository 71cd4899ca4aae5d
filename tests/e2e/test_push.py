"""`syncer push` as users run it: real processes, real sockets, real files."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.support.processes import ENVIRONMENT, command, emulator, push, push_arguments
from tests.support.stand_in import READ_AT_ONCE, TOLD_AT_ONCE, found_there


def test_a_renamed_copy_of_a_log_without_ids_creates_nothing_twice_even_with_a_lost_state(
    tmp_path: Path,
) -> None:
    """Ids come from content and place, not from the file's name."""
    log = tmp_path / "one.jsonl"
    log.write_bytes(
        b"".join(
            b'{"op":"post","annotation":{"input_id":"i-%d","data":{"concepts":[{"id":"x","value":1}]}}}\n'
            % n
            for n in range(300)
        )
    )
    other = tmp_path / "folder" / "two.jsonl"
    other.parent.mkdir()
    shutil.copy(log, other)
    with emulator("--rps", "0") as remote:
        push(remote.url, "copies", tmp_path / "first", [str(log)])
        before = remote.held("copies")
        code, summary, _ = push(remote.url, "copies", tmp_path / "second", [str(other.parent)])
        after = remote.held("copies")
    assert code == 0
    assert (summary["applied"], summary["reconciled"]) == (300, found_there(300))
    assert [own(row) for row in before] == [own(row) for row in after]
    assert (before == after) is bool(found_there(300))
    assert len(after) == 300


def own(row: dict[str, Any]) -> dict[str, Any]:
    """What was posted of it: another post in its place has other times."""
    return {name: row[name] for name in ("input_id", "id", "data")}


def test_one_poison_change_among_128_costs_at_most_14_requests_more(tmp_path: Path) -> None:
    """The other 127 are applied, the poison is a dead letter that names file, line,
    reason and code.
    """
    log = tmp_path / "poison.jsonl"
    lines = [
        b'{"op":"post","annotation":{"id":"a-%d","input_id":"i","data":{"concepts":[{"id":"x","value":1}]}}}'
        % n
        for n in range(128)
    ]
    lines[77] = (
        b'{"op":"post","annotation":{"id":"bad","input_id":"i","data":{"regions":[{"id":"1"},{"id":"2"}]}}}'
    )
    log.write_bytes(b"\n".join(lines) + b"\n")
    with emulator("--rps", "0", "--faults", "post=atomic", needs=TOLD_AT_ONCE) as remote:
        code, summary, _ = push(remote.url, "poison", tmp_path / "state", [str(log)])
        held = remote.held("poison")
    listed = subprocess.run(
        command("dead", "list", "--json", "--state", str(tmp_path / "state")),
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    letter = json.loads(listed.stdout)
    assert (code, summary["applied"], summary["dead"], len(held)) == (3, 127, 1, 127)
    assert summary["requests"] <= 15
    assert (letter["source"], letter["line"], letter["id"], letter["code"]) == (
        str(log),
        78,
        "bad",
        11102,
    )
    assert letter["reason"]
    assert letter["superseded"] is False


def test_a_refused_token_exits_2_and_nothing_is_dead(tmp_path: Path) -> None:
    """The data waits for a better token."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n')
    with emulator() as remote:
        arguments = push_arguments(remote.url, "app", tmp_path / "state", [str(log)])
        refused = subprocess.run(
            arguments,
            env={**ENVIRONMENT, "CLARIFAI_PAT": "refused-token"},
            capture_output=True,
            timeout=60,
        )
        code, summary, _ = push(remote.url, "app", tmp_path / "state", [str(log)])
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["dead"] == 0
    assert b"refused-token" not in refused.stdout + refused.stderr
    assert (code, summary["applied"]) == (0, 1)


def test_bad_lines_become_dead_letters_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Each names its line and what is wrong. The number that no double holds is found
    by the service, so its letter is the last.
    """
    lines = [
        b"\xef\xbb\xbf" + b'{"op":"post","annotation":{"id":"a","input_id":"i"}}',
        b"not json",
        b"",
        b'{"op":"psot","annotation":{"input_id":"i"}}',
        b'{"op":"delete","annotation":{"input_id":"i","id":""}}',
        b'{"op":"patch","action":"merge","annotation":{"input_id":"i","id":"a","data":{"regions":[{"value":1}]}}}',
        b'{"op":"post","annotation":{"id":"n","input_id":"i","data":{"metadata":{"n":1e999}}}}',
        b'{"op":"post","annotation":{"id":"\xff","input_id":"i"}}',
        b'{"op":"post","annotation":{"id":"b","input_id":"i"}}',
    ]
    with emulator("--rps", "0") as remote:
        code, summary, stderr = push(
            remote.url, "bad", tmp_path / "state", ["-"], stdin=b"\r\n".join(lines)
        )
        held = {annotation["id"] for annotation in remote.held("bad")}
    listed = subprocess.run(
        command("dead", "list", "--json", "--state", str(tmp_path / "state")),
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    letters = [json.loads(line) for line in listed.stdout.splitlines()]
    assert (code, summary["read"], summary["applied"], summary["dead"]) == (3, 8, 2, 6), stderr
    assert held == {"a", "b"}
    assert [letter["line"] for letter in letters] == [2, 4, 5, 6, 8, 7]
    assert "did you mean post" in letters[1]["reason"]


def test_no_token_shows_in_the_state_or_in_any_output(tmp_path: Path) -> None:
    """Not in the files either."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n{}\n')
    with emulator() as remote:
        _, summary, stderr = push(remote.url, "app", tmp_path / "state", [str(log)])
    token = ENVIRONMENT["CLARIFAI_PAT"]
    assert token not in stderr + json.dumps(summary)
    assert all(
        token.encode() not in file.read_bytes()
        for file in (tmp_path / "state").rglob("*")
        if file.is_file()
    )


def posts(count: int) -> bytes:
    """A log of plain posts."""
    return b"".join(
        b'{"op":"post","annotation":{"id":"p-%d","input_id":"i-%d"}}\n' % (n, n)
        for n in range(count)
    )


def test_a_signal_finishes_what_is_in_flight_and_the_same_command_carries_on(
    tmp_path: Path,
) -> None:
    """130 for SIGINT, 143 for SIGTERM; nothing is sent twice."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(posts(3000))
    with emulator("--rps", "0", "--latency", "0.1", needs=TOLD_AT_ONCE) as remote:
        codes = []
        for number in (signal.SIGINT, signal.SIGTERM):
            arguments = push_arguments(
                remote.url,
                "app",
                tmp_path / "state",
                [str(log)],
                "--rps",
                "10",
                "--batch-size",
                "50",
            )
            process = subprocess.Popen(
                arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            before = len(remote.held("app"))
            while len(remote.held("app")) <= before:
                time.sleep(0.02)
            process.send_signal(number)
            out, _ = process.communicate(timeout=30)
            summary = json.loads(out)
            codes.append(process.returncode)
            assert summary["error"].startswith("interrupted; nothing is lost")
            assert summary["read"] == sum(
                summary[name] for name in ("applied", "skipped", "ignored", "dead", "pending")
            )
        code, summary, _ = push(remote.url, "app", tmp_path / "state", [str(log)], "--rps", "200")
        report = remote.get("/_emulator/report")
    assert codes == [130, 143]
    assert (code, summary["applied"] + summary["skipped"], summary["pending"]) == (0, 3000, 0)
    assert (report["posted"], report.get("duplicates", 0)) == (3000, 0)


def test_a_second_process_is_told_who_holds_the_state(tmp_path: Path) -> None:
    """Exit 1, with the pid."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(posts(3000))
    with emulator("--rps", "0", "--latency", "0.2") as remote:
        arguments = push_arguments(remote.url, "app", tmp_path / "state", [str(log)], "--rps", "1")
        first = subprocess.Popen(
            arguments, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not remote.held("app"):
            time.sleep(0.02)
        code, answer, _ = push(remote.url, "app", tmp_path / "state", [str(log)])
        first.kill()
        first.wait()
    assert code == 1
    assert str(first.pid) in answer["error"]


def test_a_state_of_another_destination_is_refused(tmp_path: Path) -> None:
    """Labels never go to the wrong app by mistake."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(posts(1))
    with emulator("--rps", "0") as remote:
        push(remote.url, "one", tmp_path / "state", [str(log)])
        code, answer, _ = push(remote.url, "two", tmp_path / "state", [str(log)])
        assert remote.held("two") == []
    assert code == 1
    assert "another destination" in answer["error"]


def test_a_grown_log_is_carried_on_and_an_edited_cut_or_replaced_one_is_refused_with_the_way_out(
    tmp_path: Path,
) -> None:
    """They are told apart; forgetting the log is the way on."""
    log = tmp_path / "log.jsonl"
    state = tmp_path / "state"
    with emulator("--rps", "0", needs=TOLD_AT_ONCE) as remote:
        log.write_bytes(posts(200))
        push(remote.url, "app", state, [str(log)])
        log.write_bytes(posts(250))
        code, grown, _ = push(remote.url, "app", state, [])
        assert (code, grown["applied"], grown["skipped"]) == (0, 50, 200)
        for content, word in (
            (posts(250).replace(b"p-100", b"q-100"), "edited"),
            (posts(100), "cut"),
            (b'{"op":"delete","annotation":{"input_id":"i"}}\n' + posts(250), "replaced"),
        ):
            log.write_bytes(content)
            code, answer, _ = push(remote.url, "app", state, [str(log)])
            assert (code, word in answer["error"], "syncer state forget" in answer["error"]) == (
                1,
                True,
                True,
            )
        log.write_bytes(posts(260))
        subprocess.run(
            command("state", "forget", str(log), "--state", str(state)),
            env=ENVIRONMENT,
            check=True,
            capture_output=True,
        )
        code, anew, _ = push(remote.url, "app", state, [str(log)])
        held = remote.held("app")
    assert (code, anew["applied"], anew["reconciled"], len(held)) == (
        0,
        260,
        found_there(250),
        260,
    )


def test_max_delete_stops_before_one_deletion_more_over_all_runs_with_whole_inputs_listed_first(
    tmp_path: Path,
) -> None:
    """Exit 1, the state kept; a higher bound carries on.

    Input-level annotations are neither deleted nor counted.
    """
    log = tmp_path / "log.jsonl"
    made = b"".join(
        b'{"op":"post","annotation":{"id":"a-%d","input_id":"i-%d"}}\n' % (n, n % 3)
        for n in range(30)
    )
    log.write_bytes(made)
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        push(remote.url, "app", tmp_path / "made", [str(log)])
        log.write_bytes(
            b"".join(
                b'{"op":"delete","annotation":{"id":"a-%d","input_id":"i-%d"}}\n' % (n, n % 3)
                for n in range(6)
            )
            + b'{"op":"delete","annotation":{"input_id":"i-0"}}\n'
            + b'{"op":"delete","annotation":{"id":"a-28","input_id":"i-1"}}\n'
        )
        seen = []
        for bound in ("4", "6", "13", "14", "15"):
            code, answer, _ = push(
                remote.url,
                "app",
                tmp_path / "state",
                [str(log)],
                "--max-delete",
                bound,
                "--batch-size",
                "4",
            )
            seen.append((code, len(remote.held("app"))))
            assert ("error" in answer) == (code == 1)
        assert answer["pending"] == 0
    assert seen[0] == (1, 26)
    assert all(
        code == 1 and 30 - held <= int(bound)
        for (code, held), bound in zip(seen[:4], ("4", "6", "13", "14"), strict=True)
    )
    assert seen[-1] == (0, 15)


def test_a_log_that_is_still_being_written_is_carried_on_when_it_is_complete(
    tmp_path: Path,
) -> None:
    """The incomplete last line is left unread: exit 1, said where."""
    log = tmp_path / "log.jsonl"
    whole = posts(10)
    log.write_bytes(whole[:-20])
    with emulator("--rps", "0") as remote:
        code, summary, _ = push(remote.url, "app", tmp_path / "state", [str(log)])
        assert (code, summary["applied"], summary["dead"]) == (1, 9, 0)
        assert f"{log}:10" in summary["error"]
        log.write_bytes(whole)
        code, summary, _ = push(remote.url, "app", tmp_path / "state", [str(log)])
    assert (code, summary["applied"], summary["skipped"]) == (0, 1, 9)


def test_strict_stops_at_the_first_bad_line_which_may_then_be_mended(tmp_path: Path) -> None:
    """What came before it is applied, nothing is dead."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(posts(5) + b"{}\n" + posts(7))
    with emulator("--rps", "0") as remote:
        code, summary, _ = push(remote.url, "app", tmp_path / "state", [str(log)], "--strict")
        assert (code, summary["applied"], summary["dead"]) == (1, 5, 0)
        assert f"{log}:6" in summary["error"]
        log.write_bytes(posts(7))
        code, summary, _ = push(remote.url, "app", tmp_path / "state", [str(log)], "--strict")
    assert (code, summary["applied"], summary["skipped"]) == (0, 2, 5)


def test_a_full_disk_stops_the_push_and_leaves_the_state_intact(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for the disk."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(posts(2000) + b"{}\n" * 20_000)
    with emulator("--rps", "0") as remote:
        arguments = push_arguments(remote.url, "app", tmp_path / "state", [str(log)])
        limited = ["bash", "-c", 'ulimit -f 4200; trap "" XFSZ; exec "$@"', "bash", *arguments]
        stopped = subprocess.run(limited, env=ENVIRONMENT, capture_output=True, timeout=60)
        code, summary, stderr = push(remote.url, "app", tmp_path / "state", [str(log)])
    assert stopped.returncode == 1, stopped.stderr
    assert b"cannot be written" in stopped.stderr
    assert b"Traceback" not in stopped.stderr
    assert (code, summary["dead"], summary["applied"] + summary["skipped"]) == (3, 20_000, 2000), (
        stderr
    )


def test_a_limit_that_is_not_told_is_found_on_the_way(tmp_path: Path) -> None:
    """Twice what is documented, one change a request."""
    log = tmp_path / "labels.jsonl"
    log.write_text(
        "".join(
            f'{{"id":"a-{n}","input_id":"i","data":{{"concepts":[{{"id":"x","value":1}}]}}}}\n'
            for n in range(150)
        )
    )
    told = f"{TOLD_AT_ONCE},retry-after=seconds"  # else a throttle takes 15 s
    with emulator("--rps", "30", needs=told) as remote:
        code, summary, stderr = push(
            remote.url, "auto", tmp_path / "state", [str(log)], "--rps", "auto", "--batch-size", "1"
        )
        held = remote.held("auto")
    assert code == 0, stderr
    assert len(held) == summary["applied"] == 150
    assert summary["throttled"] >= 1
    # as long as it takes at the documented limit
    assert summary["elapsed_seconds"] < 150 / 15

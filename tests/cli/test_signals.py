"""Signals, from the first line of a process to its last: what they do hangs on what the
process does, and there is no moment in between.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from syncer.signals import SIGNALS, Interrupted, Owner, Terminated
from tests.support.processes import ENVIRONMENT, ROOT, command, emulator, push

BOTH = pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, Terminated), (signal.SIGINT, Interrupted)]
)


def handlers() -> list[object]:
    """What the system calls."""
    return [signal.getsignal(number) for number in SIGNALS]


@BOTH
def test_the_first_signal_stops_a_command_and_a_second_is_left_to_the_system(
    owner: Owner, number: signal.Signals, raised: type[BaseException]
) -> None:
    """What handles the first one is never interrupted by another exception, which would
    be shown as a traceback.
    """
    with pytest.raises(raised):
        signal.raise_signal(number)
    assert handlers() == [signal.SIG_DFL] * 2


class Ended:
    """Runs a function at its end, where nobody can catch what that raises."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def __del__(self) -> None:
        self._act()


@BOTH
def test_a_signal_amid_what_swallows_exceptions_stops_a_command_a_moment_later(
    owner: Owner,
    capfd: pytest.CaptureFixture[str],
    number: signal.Signals,
    raised: type[BaseException],
) -> None:
    """Wrong: a traceback of an exception that was ignored, and a command that goes on.
    An import has such moments: a callback is called at the end of each of its locks.
    """

    def around() -> None:
        Ended(lambda: signal.raise_signal(number))
        time.sleep(60)

    with pytest.raises(raised):
        around()
    assert capfd.readouterr().err == ""


@pytest.mark.anyio
async def test_a_signal_that_was_swallowed_just_before_an_event_loop_goes_to_its_listener(
    owner: Owner,
) -> None:
    heard: list[int] = []
    Ended(lambda: signal.raise_signal(signal.SIGTERM))
    with owner.deferring(), owner.listening(heard.append):
        assert heard == [signal.SIGTERM]


def test_what_else_goes_wrong_where_nobody_can_catch_it_is_still_said(
    owner: Owner, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError("of another kind")

    Ended(fail)
    assert "ValueError: of another kind" in capfd.readouterr().err


@pytest.mark.parametrize("number", SIGNALS)
def test_once_the_outcome_stands_a_signal_changes_nothing_and_a_second_is_left_to_the_system(
    owner: Owner, number: signal.Signals
) -> None:
    """A process that cannot say its outcome, as nobody reads it, can still be ended."""
    owner.hold()
    signal.raise_signal(number)
    assert handlers() == [signal.SIG_DFL] * 2


def test_when_all_is_over_no_signal_changes_anything(owner: Owner) -> None:
    """The interpreter leaves ignored signals ignored at its end, but gives handlers
    back to the system.
    """
    owner.hold()
    owner.finish()
    assert handlers() == [signal.SIG_IGN] * 2


def test_in_a_process_that_is_not_owned_nothing_is_changed() -> None:
    """In a notebook signals are the notebook's."""
    before, owner = handlers(), Owner()

    async def main() -> None:
        with owner.listening(lambda number: None):
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    with owner.deferring():
        anyio.run(main)
    owner.hold()
    owner.finish()
    assert handlers() == before


@BOTH
def test_around_an_event_loop_a_signal_that_nobody_took_is_raised_at_the_end(
    owner: Owner, number: signal.Signals, raised: type[BaseException]
) -> None:
    """Never within the loop's own code."""
    done = []

    def around() -> None:
        with owner.deferring():
            signal.raise_signal(number)
            done.append("the rest")

    with pytest.raises(raised):
        around()
    assert done == ["the rest"]


def test_around_an_event_loop_nothing_is_raised_once_the_outcome_stands(owner: Owner) -> None:
    """As at the end of a lane."""
    with owner.deferring():
        owner.hold()
        signal.raise_signal(signal.SIGTERM)
    assert handlers() == [signal.SIG_DFL] * 2


@pytest.mark.anyio
async def test_the_innermost_listener_is_called_with_every_signal_the_one_before_it_began_included(
    owner: Owner,
) -> None:
    """From within the loop, one after another."""
    outer: list[int] = []
    inner: list[int] = []
    with owner.deferring(), owner.listening(outer.append, patience=2):
        signal.raise_signal(signal.SIGINT)
        with owner.listening(inner.append, patience=2):
            assert inner == [signal.SIGINT]
            signal.raise_signal(signal.SIGTERM)
            assert inner == [signal.SIGINT], "from a callback of the loop, not from the handler"
            with anyio.fail_after(5):
                while len(inner) < 2:
                    await anyio.lowlevel.checkpoint()
    assert (inner, outer) == ([signal.SIGINT, signal.SIGTERM], [])


@pytest.mark.anyio
async def test_a_signal_in_the_last_moment_of_a_listener_goes_to_the_one_around_it(
    owner: Owner,
) -> None:
    """None is lost between the two."""
    outer: list[int] = []
    with owner.deferring(), owner.listening(outer.append):
        with owner.listening(lambda number: pytest.fail("it has ended")):
            signal.raise_signal(signal.SIGTERM)
        assert outer == [signal.SIGTERM]


@pytest.mark.anyio
async def test_a_listener_hears_a_signal_that_interrupts_another_thread_while_the_loop_sleeps(
    owner: Owner,
) -> None:
    """The system picks any thread of a process; the loop's own may sleep an hour."""
    heard = anyio.Event()
    release = threading.Event()
    other = threading.Thread(target=release.wait)
    other.start()
    try:
        with owner.deferring(), owner.listening(lambda number: heard.set()), anyio.fail_after(10):
            assert other.ident is not None
            signal.pthread_kill(other.ident, signal.SIGTERM)
            await heard.wait()
    finally:
        release.set()
        other.join()


def test_a_hangup_is_left_to_the_system_until_a_command_asks_for_it(owner: Owner) -> None:
    """It ends a push whose terminal is gone, and not one that `nohup` started."""
    before = signal.getsignal(signal.SIGHUP)
    assert before not in (owner._handle, owner._note_hangup)
    Owner().hear_hangups()  # that of a notebook
    assert signal.getsignal(signal.SIGHUP) == before


@pytest.mark.anyio
async def test_hangups_reach_the_listener_from_within_the_loop_those_before_it_as_one(
    owner: Owner,
) -> None:
    """They use up no patience."""
    heard: list[str] = []
    owner.hear_hangups()
    for _ in range(5):
        signal.raise_signal(signal.SIGHUP)
    with owner.deferring(), owner.listening(lambda number: heard.append("end"), patience=2):
        assert heard == []
        with owner.listening(
            lambda number: heard.append("drain"), patience=2, hang_up=lambda: heard.append("reload")
        ):
            assert heard == ["reload"]
            signal.raise_signal(signal.SIGHUP)
            with anyio.fail_after(5):
                while len(heard) < 2:
                    await anyio.lowlevel.checkpoint()
            signal.raise_signal(signal.SIGTERM)
            with anyio.fail_after(5):
                while len(heard) < 3:
                    await anyio.lowlevel.checkpoint()
        signal.raise_signal(signal.SIGHUP)
    assert heard == ["reload", "reload", "drain"]
    assert handlers() == [owner._handle] * 2


def test_once_all_is_over_a_hangup_changes_nothing_either(owner: Owner) -> None:
    owner.hear_hangups()
    owner.hold()
    signal.raise_signal(signal.SIGHUP)
    owner.finish()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


@pytest.mark.proof
def test_at_every_line_of_the_end_of_a_finished_push_a_signal_changes_neither_code_nor_object(
    tmp_path: Path,
) -> None:
    """From the moment its outcome stands to the interpreter's end."""
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    log.write_text('{"op":"post","annotation":{"id":"a","input_id":"i"}}\n')
    with emulator("--rps", "0") as remote:
        assert push(remote.url, "app", state, [str(log)])[0] == 0
        arguments = [
            "push",
            str(log),
            "--base-url",
            remote.url,
            "--app-id",
            "app",
            "--state",
            str(state),
            "--json",
            "--quiet",
        ]
        signalled = [sys.executable, "-m", "tests.cli.signalled", *arguments]
        done = subprocess.run(
            signalled, env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, timeout=300
        )
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr, len(ends) > 20) == (0, "", True)
    assert [end for end in ends if end["code"] != 0 or json.loads(end["out"])["skipped"] != 1] == []


@pytest.mark.parametrize("at", ["syncer.cli.running", "syncer.cli.output", "syncer.config"])
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
def test_a_signal_while_a_command_is_still_being_loaded_is_one_line_and_one_object(
    number: signal.Signals, code: int, said: str, at: str, tmp_path: Path
) -> None:
    """Whatever is being imported, in `python -m`, which has an end of its own for an
    interrupt.
    """
    early = f"""
import os, signal, sys
from importlib.abc import MetaPathFinder
class Early(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {at!r} and sys.meta_path.remove(self) is None:
            exec("signal.raise_signal({int(number)})")  # as in the making of a data class
sys.meta_path.insert(0, Early())
sys.argv = ["syncer", "config", "check", "--json"]
from syncer.cli.main import main
main()
"""
    (tmp_path / "early.py").write_text(early)
    done = subprocess.run(
        [sys.executable, "-m", "early"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (
        code,
        {"error": said},
        f"syncer: {said}\n",
    )


AMID_AN_EXTENSION = """
import os, signal, sys
from syncer import signals

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "uuid" and "orjson.orjson" in asked:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        asked.append(name)

asked = []
try:
    signals.own()
    signals.defer_in_extensions()
    sys.meta_path.insert(0, Finder)
    import orjson
except KeyboardInterrupt as stopped:
    print(type(stopped).__name__, "json" in asked)
"""
"""A signal at the moment at which the start of orjson, in C, imports another module."""


@BOTH
def test_a_signal_while_a_module_in_c_starts_waits_until_it_has_started(
    number: signal.Signals, raised: type[BaseException]
) -> None:
    """Wrong: an exception amid its start, which crashes the process."""
    arguments = [sys.executable, "-c", AMID_AN_EXTENSION, number.name]
    done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{raised.__name__} True\n", "")


def test_the_emulator_ends_with_exit_code_0_however_often_it_is_told() -> None:
    """Also in its last moment."""
    process = subprocess.Popen(
        command("emulator"), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")

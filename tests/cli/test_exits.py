"""Every way out of every command: the exit code, one JSON object where it was asked
for, a message, and never a traceback.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer import config
from syncer.cli.main import run
from syncer.errors import Stopped
from tests.cli.conftest import Cli
from tests.cli.terminal import at_a_terminal
from tests.support.commands import COMMANDS, LEAVES
from tests.support.processes import ENVIRONMENT, command


def test_the_walk_over_the_commands_finds_them() -> None:
    """Else the tests below would test nothing."""
    assert {
        ("push",),
        ("config", "check"),
        ("dead", "list"),
        ("state", "forget"),
        ("emulator",),
    } <= set(LEAVES)
    assert {(), ("config",), ("dead",)} <= set(COMMANDS) - set(LEAVES)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_is_everywhere(cli: Cli, path: tuple[str, ...]) -> None:
    """On stdout, with exit 0, and as one JSON object where that was asked for."""
    for flag in ("--help", "-h"):
        done = cli(*path, flag)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: {' '.join(('syncer', *path))}")
    assert cli(*path, "--help", "--json").json()["text"].startswith("Usage: syncer")


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_takes_the_options_of_printing(cli: Cli, path: tuple[str, ...]) -> None:
    """They are in its help."""
    text = cli(*path, "--help").out
    assert [
        flag for flag in ("--json", "--quiet", "-q", "--verbose", "-v") if flag not in text
    ] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_an_unknown_option_is_a_usage_error_with_one_json_object_wherever_json_stands(
    cli: Cli, path: tuple[str, ...]
) -> None:
    """Before the command, behind it, or last."""
    for arguments in (
        ("--json", *path, "--bogus"),
        (*path, "--json", "--bogus"),
        (*path, "--bogus", "--json"),
    ):
        done = cli(*arguments)
        error = done.json()["error"]
        assert (done.code, "--help" in error) == (2, True), error
        assert done.err == f"syncer: {error}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pussh"], "; did you mean push? (see `syncer --help`)"),
        (
            ["config", "chek"],
            "the commands of `syncer config` are check, show; did you mean check?",
        ),
        (["push", "--batchsize", "3"], "unknown option --batchsize; did you mean --batch-size?"),
        (["push", "--dry-rnu"], "unknown option --dry-rnu; did you mean --dry-run?"),
        (["emulator", "--port", "http"], '--port is "http"; it must be a whole number'),
        (
            ["push", "--json=perhaps"],
            '--json is "perhaps"; it must be left without a value, or true or false',
        ),
        (["push", "-c"], "-c needs a value"),
        (["push", "--state", "--json"], "--state needs a value"),
        (
            ["-c", "x.toml", "push"],
            "unexpected option -c: give the command first, then its options",
        ),
        (
            ["config", "show", "extra"],
            '`syncer config show` takes no further argument, but "extra" follows',
        ),
        (["emulator", "--port", "70000"], "it must be from 0 to 65535"),
        (["emulator", "--rps", "nan"], "it must be 0 or more"),
    ],
)
def test_a_usage_error_names_what_is_wrong_and_where_to_read_on(
    cli: Cli, arguments: list[str], said: str
) -> None:
    """Exit 2."""
    done = cli(*arguments)
    assert (done.code, said in done.err, done.err.count("\n")) == (2, True, 1), done.err
    assert done.err.endswith(" --help`)\n")


def test_the_version_is_told(cli: Cli) -> None:
    """By either name."""
    from syncer import __version__

    assert cli("--version").out == cli("-V").out == f"{__version__}\n"
    for words in ("push", "pull clarifai", "dead list", "state check", "config show"):
        assert cli(*words.split(), "--version").out == f"{__version__}\n"
    assert cli("--json", "--version").json() == {"text": __version__}


def test_json_behind_the_end_of_options_is_a_log(cli: Cli) -> None:
    """Whoever calls a file that."""
    done = cli("push", "-n", "--", "--json")
    assert (done.code, done.out, "there is no change log --json" in done.err) == (2, "", True)


def test_a_false_json_is_none(cli: Cli) -> None:
    """The parser takes a value, so it counts."""
    assert cli("config", "check", "--json=false").out == ""
    assert cli("push", "--json=f", "--bogus").out == ""


def test_quiet_leaves_results_and_errors_and_nothing_else(cli: Cli) -> None:
    """Wherever it stands."""
    assert cli("config", "check").err != ""
    for arguments in (
        ("config", "check", "-q"),
        ("-q", "config", "check"),
        ("config", "check", "--quiet"),
        ("config", "check", "-q=true"),
    ):
        assert (cli(*arguments).code, cli(*arguments).err) == (0, "")
    shown = cli("config", "show", "-q")
    assert (shown.err, "push.batch_size" in shown.out) == ("", True)
    assert "there is no change log x" in cli("push", "-nq", "x").err


def raising(error: BaseException) -> Callable[..., int]:
    """A command that fails like this."""

    def fail(*arguments: object, **options: object) -> int:
        raise error

    return fail


def test_what_nobody_foresaw_is_one_line_that_names_the_place_and_nothing_secret(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exception's own words may hold anything."""
    monkeypatch.setattr(config, "load_from_environment", raising(KeyError("secret-token")))
    done = cli("config", "show", "--json")
    error = done.json()["error"]
    assert done.code == 1
    assert error.startswith("internal error: KeyError in syncer/cli/options.py:")
    assert "please report it (run it again with -v or SYNCER_DEBUG=1 for the traceback)" in error
    assert done.err == f"syncer: {error}\n"
    assert "secret-token" not in done.out + done.err


@pytest.mark.parametrize("way", ["-v", "--verbose", "SYNCER_DEBUG"])
def test_the_traceback_is_there_for_who_asks(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """On stderr, before the message; stdout is as ever."""
    monkeypatch.setattr(config, "load_from_environment", raising(KeyError("x")))
    if way == "SYNCER_DEBUG":
        monkeypatch.setenv(way, "1")
    done = cli("config", "show", "--json", *([] if way == "SYNCER_DEBUG" else [way]))
    assert (done.code, "Traceback" in done.err, "Traceback" in done.out) == (1, True, False)
    assert done.json()["error"].endswith("please report it")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Stopped("no more"), 1, "no more"),
        (ExceptionGroup("tasks", [KeyError("x"), Stopped("no more")]), 1, "no more"),
        (
            OSError(errno.ENOSPC, "No space left on device", "state/journal"),
            1,
            "state/journal: No space left on device; fix that",
        ),
        (RecursionError(), 1, "internal error: RecursionError in syncer/cli/options.py:"),
        (MemoryError(), 1, "internal error: MemoryError in syncer/cli/options.py:"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_ends_a_command_there_is_one_object_with_the_reason(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    """And no traceback."""
    monkeypatch.setattr(config, "load_from_environment", raising(error))
    done = cli("config", "show", "--json")
    assert (done.code, done.json()["error"].startswith(said), "Traceback" in done.err) == (
        code,
        True,
        False,
    ), done.err


def test_an_error_that_cannot_be_told_on_stdout_is_told_on_stderr() -> None:
    """The reader has hung up before the one object came."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = piped(command("push", "--bogus", "--json"), writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr.count("\n"), "unknown option --bogus" in done.stderr) == (
        1,
        1,
        True,
    )


def test_an_error_of_the_system_leaves_stdout_to_the_one_object(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever failed, it was not stdout."""
    monkeypatch.setattr(
        config,
        "load_from_environment",
        raising(PermissionError(errno.EACCES, "Permission denied", "state")),
    )
    assert run(["config", "show", "--json"]) == 1
    assert json.loads(capfd.readouterr().out)["error"].startswith(
        "state: Permission denied; fix that"
    )


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "dead list",
        "dead drop --all",
        "state check",
        "state export",
        "state forget x",
        "state resume",
    ],
)
def test_a_state_folder_that_cannot_be_looked_into_is_named(cli: Cli, command: str) -> None:
    """Exit 1, as for every state that cannot be used."""
    done = cli(*command.split(), "--state", "x" * 300, "--json")
    error = done.json()["error"]
    assert (done.code, error) == (
        1,
        f"the state folder {'x' * 300} cannot be read: File name too long",
    )


def test_names_of_files_that_are_no_text_are_told_all_the_same(cli: Cli) -> None:
    """A file's name may be any bytes."""
    name = os.fsdecode(b"log-\xff.jsonl")
    done = cli("push", "-n", name, "--json")
    assert (done.code, done.json()["error"]) == (
        2,
        "there is no change log log-\\udcff.jsonl: name a file, a folder, or - for stdin",
    )


def piped(
    arguments: list[str], stdout: int | None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with this for its stdout."""
    return subprocess.run(
        arguments,
        env={**ENVIRONMENT, **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [("config", "show", "-q"), ("push", "--help"), ("config", "check", "--json", "-q")]
)
def test_a_reader_that_hangs_up_is_no_reason_for_a_traceback(arguments: tuple[str, ...]) -> None:
    """`syncer config show | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = piped(command(*arguments), writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "show", "-q"),
        ("--help",),
        ("config", "show", "-q", "--json"),
        ("completion", "bash"),
    ],
)
def test_a_stdout_that_is_full_is_said(arguments: tuple[str, ...]) -> None:
    """Not a traceback at the exit."""
    with Path("/dev/full").open("w") as full:
        done = piped(command(*arguments), full.fileno())
    assert done.returncode == 1
    assert (
        done.stderr
        == "syncer: standard output cannot be written: No space left on device; fix that, then run"
        " the same command again\n"
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed_stop_nothing(closed: str) -> None:
    """As some supervisors start programs."""
    arguments = ["bash", "-c", f'exec "$@" {closed}', "bash", *command("config", "check", "--json")]
    done = piped(arguments, subprocess.PIPE)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    if not closed.startswith(">"):
        assert json.loads(done.stdout) == {"ok": True, "token": True}


def test_what_has_changed_since_a_pull_does_not_go_over_that_pull(tmp_path: Path) -> None:
    earlier = tmp_path / "p.jsonl"
    earlier.write_text("")
    done = piped(
        command(
            "pull",
            "annotell",
            "--project",
            "p",
            "--changed-since",
            str(earlier),
            "--out",
            str(earlier),
        ),
        subprocess.PIPE,
    )
    assert (done.returncode, "name another --out" in done.stderr) == (2, True)


def test_a_pull_to_a_standard_output_that_is_closed_says_so_and_fetches_nothing() -> None:
    arguments = [
        "bash",
        "-c",
        'exec "$@" >&-',
        "bash",
        *command("pull", "clarifai", "--user-id", "u", "--app-id", "a", "--out", "-"),
    ]
    done = piped(arguments, subprocess.PIPE)
    assert done.returncode == 2
    assert (
        done.stderr
        == "syncer: --out - writes to standard output, which is closed: name a file, or leave it"
        " open\n"
    )


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
def test_a_signal_ends_any_command_with_its_code_and_one_object(
    tmp_path: Path, number: signal.Signals, code: int, said: str
) -> None:
    """Also one that was only reading its input."""
    process = subprocess.Popen(
        command("push", "-n", "--json", "-"),
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    try:
        # more than a pipe holds: it is reading by now
        process.stdin.write(b"{}\n" * 200_000)
        process.stdin.flush()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, json.loads(out), err) == (
        code,
        {"error": said},
        f"syncer: {said}\n".encode(),
    )


def test_no_color_is_honoured_on_a_terminal() -> None:
    """https://no-color.org: colour only where the terminal is, and not if unwanted."""
    colours = {}
    for wanted, environment in {"colour": {}, "none": {"NO_COLOR": "1"}}.items():
        code, lines = at_a_terminal(command("--help"), 80, TERM="xterm-256color", **environment)
        assert code == 0
        colours[wanted] = any(
            f"\x1b[{style}{number}m" in line
            for line in lines
            for style in ("", "1;")
            for number in range(30, 38)
        )
    assert colours == {"colour": True, "none": False}

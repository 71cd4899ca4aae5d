"""What reaches a terminal, and what reaches a script."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from syncer.printable import as_argument, printable
from tests.cli.terminal import at_a_terminal
from tests.support.processes import ENVIRONMENT, command, emulator, push

EVIL = 'a\x1b[31m\n[red]\r\x07\x9b\u202e\u2028b"ä中'
SHOWN = r'a\x1b[31m\n[red]\r\x07\x9b\u202e\u2028b"ä中'
LATIN = {"PYTHONIOENCODING": "latin-1"}
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
STRICT = {"PYTHONIOENCODING": "ascii:strict"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 中 🌳", "plain ä 中 🌳"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\u2028\u2029\u200b\ufeff", r"\u2028\u2029\u200b\ufeff"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_whatever_a_terminal_would_obey_hide_or_turn_round_is_an_escape(
    text: str, shown: str
) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["plain", "my state", "it's", "a;b$c`d", "", "a\n\x1b[2J'\\n", "\u202eü\u2028 x", "--x"]
)
def test_an_argument_in_a_command_that_is_shown_means_the_same_to_a_shell(text: str) -> None:
    shown = as_argument(text)
    assert printable(shown) == shown
    script = ["bash", "-c", f"printf %s {shown}"]
    assert (
        subprocess.run(
            script, capture_output=True, check=True, encoding="utf-8", env={"LC_ALL": "C.UTF-8"}
        ).stdout
        == text
    )


def logged(folder: Path) -> Path:
    """A log whose name, ids and faults are evil."""
    log = folder / "log\x1b[1m\nx.jsonl"
    post = json.dumps(
        {"op": "post", "annotation": {"id": EVIL, "input_id": EVIL}}, ensure_ascii=False
    )
    bad = json.dumps(
        {"op": "post", "annotation": {"id": EVIL, "input_id": EVIL, "data": EVIL}},
        ensure_ascii=False,
    )
    log.write_text(f"{post}\n{bad}\n", encoding="utf-8")
    return log


def test_no_command_shows_an_id_a_name_or_a_reason_as_it_is(tmp_path: Path) -> None:
    """At a terminal, where an escape code would be obeyed and a name in brackets might
    be taken for a colour.
    """
    log = logged(tmp_path)
    state = tmp_path / "state\x1b[2m\n"
    with emulator("--rps", "0") as remote:
        place = ("--base-url", remote.url, "--app-id", "app", "--state", str(state))
        shown = {
            "push": at_a_terminal(command("push", str(log), *place), 200)[1],
            "verify": at_a_terminal(
                command(
                    "verify",
                    str(log),
                    "--base-url",
                    remote.url,
                    "--app-id",
                    "other",
                    "--state",
                    "none",
                ),
                200,
            )[1],
            "status": at_a_terminal(command("status", "--state", str(state)), 200)[1],
            "list": at_a_terminal(command("dead", "list", "--state", str(state)), 200)[1],
            "show": at_a_terminal(command("dead", "show", f"{log}:2", "--state", str(state)), 200)[
                1
            ],
            "error": at_a_terminal(
                command("dead", "show", "\x1b[3m\n:7", "--state", str(state)), 200
            )[1],
            "check": at_a_terminal(command("state", "check", "--state", str(state)), 200)[1],
            "usage": at_a_terminal(command("status", "\x1b[4m\n"), 200)[1],
        }
    for name, lines in shown.items():
        text = "".join(lines)
        assert not {each for each in text if not each.isprintable()}, (name, lines)
    assert any(f" {SHOWN}/{SHOWN}" in line for line in shown["verify"])
    assert any(f"{SHOWN}/{SHOWN}" in line for line in shown["list"])
    assert any(r"log\x1b[1m\nx.jsonl: read 2" in line for line in shown["status"])
    assert r"\x1b[3m\n:7" in shown["error"][0]


@pytest.mark.parametrize("locale", [LATIN, ASCII, STRICT], ids=["latin-1", "C", "strict"])
def test_json_is_utf_8_and_whole_whatever_the_locale(
    tmp_path: Path, locale: dict[str, str]
) -> None:
    """An id is an id: a question mark in its place would be another one."""
    log = logged(tmp_path)
    state = tmp_path / "state"
    with emulator("--rps", "0") as remote:
        push(remote.url, "app", state, [str(log)])
        place = ("--base-url", remote.url, "--app-id", "other", "--state", "none", "--json")
        listed = {
            "verify": command("verify", str(log), *place),
            "list": command("dead", "list", "--json", "--state", str(state)),
            "export": command("state", "export", "--state", str(state)),
            "status": command("status", "--json", "--state", str(state)),
        }
        told = {}
        for name, arguments in listed.items():
            done = subprocess.run(
                arguments, env={**ENVIRONMENT, **locale}, capture_output=True, cwd=tmp_path
            )
            told[name] = [
                json.loads(line) for line in done.stdout.decode("utf-8").strip("\n").split("\n")
            ]
            assert b"Traceback" not in done.stderr
    assert told["verify"][0]["differences"][0]["id"] == EVIL
    assert told["list"][0]["id"] == EVIL
    assert json.loads(told["list"][0]["change"])["annotation"]["id"] == EVIL
    assert [
        json.loads(record["change"])["annotation"]["id"]
        for record in told["export"]
        if record.get("change")
    ] == [EVIL]
    assert told["status"][0]["logs"][0]["path"].endswith("x.jsonl")


@pytest.mark.parametrize("locale", [ASCII, STRICT], ids=["C", "strict"])
def test_what_people_see_has_escapes_where_the_locale_has_no_character(
    tmp_path: Path, locale: dict[str, str]
) -> None:
    log = logged(tmp_path)
    with emulator("--rps", "0") as remote:
        push(remote.url, "app", tmp_path / "state", [str(log)])
    listed = subprocess.run(
        command("dead", "list", "--state", str(tmp_path / "state")),
        env={**ENVIRONMENT, **locale},
        capture_output=True,
        check=True,
    )
    assert rb"b\"\xe4\u4e2d".replace(rb"\"", b'"') in listed.stdout

"""`syncer completion`: a shell that read the script completes commands and options."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.conftest import Cli


def completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    asked = (
        'eval "$1"; shift; COMP_WORDS=(syncer "$@"); COMP_CWORD=$#; _syncer; printf "%s\\n"'
        ' "${COMPREPLY[@]}"; complete -p syncer'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asked, "bash", script, *words],
        capture_output=True,
        check=True,
        text=True,
        timeout=20,
    )
    *offered, registered = done.stdout.splitlines()
    assert registered.split() == ["complete", "-F", "_syncer", "syncer"]
    assert done.stderr == ""
    return [word.strip() for word in offered]


def test_bash_completes_commands_and_options(cli: Cli) -> None:
    """Of the whole program and of each command."""
    script = cli("completion", "bash").out
    assert completed(script, "pus") == ["push"]
    assert "check" in completed(script, "config", "")
    assert completed(script, "config", "check", "--onl") == ["--online"]
    assert completed(script, "push", "--batch") == ["--batch-size"]
    assert completed(script, "completion", "z") == ["zsh"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_knows_the_commands(cli: Cli, shell: str) -> None:
    """As text, and as JSON for who wants that."""
    text = cli("completion", shell)
    as_json = cli("completion", shell, "--json")
    assert (text.code, text.err, as_json.json()) == (
        0,
        "",
        {"shell": shell, "script": text.out.removesuffix("\n")},
    )
    assert all(word in text.out for word in ("push", "status", "config", "batch-size"))


def test_a_shell_that_is_not_known_is_named_with_those_that_are(cli: Cli) -> None:
    """Exit 2."""
    done = cli("completion", "tcsh")
    assert (done.code, 'SHELL is "tcsh"; it must be one of bash, zsh, fish' in done.err) == (
        2,
        True,
    )

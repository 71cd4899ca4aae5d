"""Memory does not grow with the dead letters, whatever command reads or writes them."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.measured import cpu_of
from tests.support.endless import endless, write_log
from tests.support.processes import command, push_arguments

BAR = 1.2
LETTERS = int(os.environ.get("SYNCER_PROOF_LETTERS", "100000"))
BAD = b'x\n{"op":"psot","annotation":{"id":"a","input_id":"i"}}\n'


def peaks(count: int, folder: Path) -> dict[str, int]:
    """Peak resident KB of each command, with so many letters."""
    log, state = folder / f"{count}.jsonl", folder / f"state-{count}"
    write_log(log, 10)
    with log.open("ab") as out:
        out.write(BAD * (count // 2))
    kept = ("--state", str(state))
    with endless("taskset", "-c", "1") as url:
        used = {"push": cpu_of(push_arguments(url, "a", state, [str(log)]), [3])}
        used["push again"] = cpu_of(push_arguments(url, "a", state, [str(log)]), [3])
        used["verify"] = cpu_of(
            command("verify", "--base-url", url, "--app-id", "a", *kept, "--json"), [4]
        )
        for name, arguments, code in [
            ("dead list", ("dead", "list"), 0),
            ("dead list --json", ("dead", "list", "--json"), 0),
            ("dead retry --all", ("dead", "retry", "--all"), 3),
            ("state check", ("state", "check"), 0),
            ("state export", ("state", "export", "--out", str(folder / "export")), 0),
            ("dead drop --all", ("dead", "drop", "--all"), 0),
        ]:
            used[name] = cpu_of(command(*arguments, *kept), [code])
    return {name: size for name, (_, size) in used.items()}


def test_ten_times_as_many_letters_take_no_more_memory(tmp_path: Path) -> None:
    small, large = peaks(LETTERS // 10, tmp_path), peaks(LETTERS, tmp_path)
    grown = {name: round(large[name] / small[name], 2) for name in large}
    print(grown, large)
    assert max(grown.values()) <= BAR, f"times the memory: {grown}"

"""Pulls as processes, killed where they stand; and their outputs, read by other
people's libraries.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import polars as pl
from deltalake import DeltaTable

from tests.support.mixed import columns
from tests.support.processes import ENVIRONMENT, EmulatorProcess, command

Key = tuple[str, str]


class _State(msgspec.Struct):
    annotations: list[msgspec.Raw]


class _Key(msgspec.Struct):
    input_id: str
    id: str


def pull_arguments(url: str, app: str, out: Path | str, *options: str) -> list[str]:
    """The command line of a pull; its state is beside the output unless an option says
    otherwise.
    """
    state = (
        ()
        if "--state" in options or str(out) == "-"
        else ("--state", f"{str(out).rstrip('/')}.state")
    )
    return command(
        "pull",
        "clarifai",
        "--base-url",
        url,
        "--app-id",
        app,
        "--out",
        str(out),
        "--no-progress",
        *state,
        *options,
    )


def pull(
    url: str, app: str, out: Path | str, *options: str, **environment: str
) -> tuple[int, dict[str, Any], str]:
    """Pull to the end: (exit code, JSON, stderr)."""
    arguments = pull_arguments(url, app, out, *options, "--json")
    done = subprocess.run(
        arguments, env={**ENVIRONMENT, **environment}, capture_output=True, timeout=900
    )
    assert "Traceback" not in done.stderr.decode(), done.stderr.decode()
    return done.returncode, json.loads(done.stdout), done.stderr.decode()


def keyed(lines: Sequence[bytes]) -> dict[Key, bytes]:
    """Annotations by (input_id, id). No key comes twice."""
    keys = [
        (key.input_id, key.id)
        for key in msgspec.json.Decoder(list[_Key]).decode(b"[" + b",".join(lines) + b"]")
    ]
    found = dict(zip(keys, lines, strict=True))
    assert len(found) == len(lines), f"{len(lines) - len(found)} doubled"
    return found


def held(remote: EmulatorProcess, app: str) -> dict[Key, bytes]:
    """What the emulator holds, each annotation in the bytes that it is listed with."""
    with urllib.request.urlopen(
        f"{remote.url}/_emulator/state?user=me&app={app}&form=answered", timeout=120
    ) as response:
        return keyed(
            [bytes(raw) for raw in msgspec.json.decode(response.read(), type=_State).annotations]
        )


def pages_done(state: Path) -> int:
    """How many pages a pull has noted."""
    try:
        return int(json.loads((state / "pull.json").read_bytes())["pages"])
    except FileNotFoundError:
        return 0


def killed(
    arguments: list[str],
    state: Path,
    times: int,
    rng: random.Random,
    number: signal.Signals = signal.SIGKILL,
) -> list[int]:
    """Run a command so many times, each ended by this signal once it is a page or more
    further; the exit codes.

    Fewer times where it is done before.
    """
    codes = []
    for _ in range(times):
        before = pages_done(state)
        process = subprocess.Popen(
            arguments, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        pages = rng.randrange(1, 4)
        while process.poll() is None and pages_done(state) < before + pages:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.03)
        process.send_signal(number)
        codes.append(process.wait(60))
        if codes[-1] not in (-number, 128 + number):
            break
    return codes


# --- outputs --------------------------------------------------------------------------


def tables(out: Path, format_: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """An output as tables: the same one from every library that reads it, with the
    library's name.
    """
    if format_ == "delta":
        yield "delta-rs", pl.DataFrame(pl.from_arrow(DeltaTable(out).to_pyarrow_table()))
        yield "polars", pl.read_delta(str(out))
        delta_table = DeltaTable(out).to_pyarrow_dataset()  # noqa: F841 - duckdb sees it by its name
        yield "duckdb", duckdb.sql("select * from delta_table").pl()
    elif format_ == "parquet":
        files = str(out / "*.parquet") if out.is_dir() else str(out)
        yield "polars", pl.read_parquet(files)
        yield "duckdb", duckdb.sql(f"select * from read_parquet('{files}')").pl()
    else:
        raise ValueError(format_)


def wrong(out: Path, format_: str, wanted: dict[Key, bytes]) -> list[str]:
    """How an output differs from what the emulator holds; nothing where it is right,
    byte for byte and value for value.
    """
    if format_ == "jsonl":
        content = out.read_bytes()
        assert content.endswith(b"\n") or not content
        return _differences("jsonl", keyed(content.splitlines()), wanted)
    found = []
    for name, table in tables(out, format_):
        lines = [text.encode() for text in table["annotation"]]
        found += _differences(name, keyed(lines), wanted)
        for row in table.iter_rows(named=True):
            expected = columns(json.loads(row["annotation"]))
            found += [
                f"{name}: {row['annotation_id']}: {column}"
                for column, value in expected.items()
                if _plain(row[column]) != value
            ]
    return found[:20]


def _plain(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _differences(name: str, found: dict[Key, bytes], wanted: dict[Key, bytes]) -> list[str]:
    differ = [
        f"{name}: {key} is not what the emulator holds"
        for key in found.keys() & wanted.keys()
        if found[key] != wanted[key]
    ]
    missing = [f"{name}: {key} is missing" for key in wanted.keys() - found.keys()]
    return (
        differ + missing + [f"{name}: {key} is nowhere" for key in found.keys() - wanted.keys()]
    )[:20]

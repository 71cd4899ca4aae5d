"""`syncer run`, as an operator meets it: a process, its signals, its endpoints."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.lines import post
from tests.support.outbox import insert, make_outbox
from tests.support.processes import ENVIRONMENT, EmulatorProcess, command, emulator
from tests.support.servers import free_port

SECONDS_MAX = 30
WITHOUT_ID = b'{"op":"post","annotation":{"input_id":"i"}}'
TABLE = """kind = "sqlite"
path = "labels.db"
table = "outbox"
"""


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    ends_at = time.monotonic() + SECONDS_MAX
    while not happened():
        assert time.monotonic() < ends_at, "it did not happen"
        time.sleep(0.02)


class Site:
    """A folder with a config, an outbox in SQLite, and the remote."""

    def __init__(self, folder: Path, remote: EmulatorProcess) -> None:
        self.folder, self.remote = folder, remote
        self.table = folder / "labels.db"
        self.url = ""
        self.launcher: tuple[str, ...] = ()
        """Starts the daemon's command line."""
        make_outbox(self.table)
        self.configure(remote.url)

    def follow_logs(self, path: str) -> None:
        """Let it follow change logs in the place of the table."""
        self.configure(self.remote.url, source=f'kind = "changelog"\npath = "{path}"')

    def configure(self, base_url: str, source: str = TABLE, daemon: str = "") -> None:
        (self.folder / "syncer.toml").write_text(
            f"""
[clarifai]
base_url = "{base_url}"
app_id = "app"

[push]
requests_per_second = 100

[retry]
base_seconds = 0.1
cap_seconds = 0.5

[daemon]
listen = "127.0.0.1:0"
{daemon}

[[sources]]
name = "labels"
poll_seconds = 0.05
{source}
"""
        )

    @contextmanager
    def running(self, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """The daemon, once it says that it follows; killed at the end if need be."""
        process = self.start(**environment)
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"http://[\d.]+:\d+", line)
            assert found, line
            self.url = found[0]
            yield process
        finally:
            process.kill()
            process.communicate()

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.launcher, *command("run")],
            cwd=self.folder,
            env={**ENVIRONMENT, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self._ask("GET", path, headers)

    def post(self, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        return self._ask("POST", path, headers, body)

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, str]:
        url = self.url + path
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def lane(self) -> dict[str, Any]:
        (lane,) = json.loads(self.get("/api/status")[1])["lanes"]
        return dict(lane)

    def source(self) -> dict[str, Any]:
        (source,) = (one for one in self.sources() if one["kind"] != "http")
        return source

    def sources(self) -> list[dict[str, Any]]:
        return list(json.loads(self.get("/api/status")[1])["sources"])

    def add(self, *ids: str) -> None:
        insert(self.table, *map(post, ids))

    def to_do(self) -> int:
        with closing(sqlite3.connect(self.table)) as table:
            sql = "select count(*) from outbox where applied_at is null and error is null"
            return int(table.execute(sql).fetchone()[0])

    def dead(self, *arguments: str) -> tuple[int, list[Any]]:
        """`syncer dead`: its exit code, and the JSON of each line."""
        done = subprocess.run(
            command("dead", *arguments, "--json"),
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            timeout=SECONDS_MAX,
        )
        assert b"Traceback" not in done.stderr
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def held(self) -> list[str]:
        return sorted(one["id"] for one in self.remote.held("app"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with emulator("--rps", "0") as remote:
        yield Site(tmp_path, remote)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it said to people."""
    _, said = process.communicate(timeout=SECONDS_MAX)
    assert "Traceback" not in said
    return process.returncode, said


def test_rows_are_applied_as_they_come_and_a_signal_ends_it_with_0(site: Site) -> None:
    site.add("a", "b")
    with site.running() as process:
        wait_until(lambda: site.to_do() == 0)
        site.add("c")
        wait_until(lambda: site.to_do() == 0)
        assert (site.get("/healthz")[0], site.get("/readyz")[0]) == (200, 200)
        assert (site.lane()["applied"], site.source()["read"]) == (3, 3)
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert (code, site.held()) == (0, ["a", "b", "c"])
    assert "drained" in said


def test_killed_in_the_middle_it_goes_on_at_the_next_start_and_nothing_is_applied_twice(
    site: Site,
) -> None:
    ids = [f"a{number:04}" for number in range(600)]
    for start in range(0, 600, 200):
        site.add(*ids[start : start + 200])
        with site.running() as process:
            wait_until(lambda: len(site.held()) > start)  # noqa: B023 - it is waited for here
            process.kill()
    with site.running():
        wait_until(lambda: site.to_do() == 0)
        assert site.lane()["dead"] == 0
    assert site.held() == ids


def test_it_starts_while_the_remote_is_down_and_carries_on_once_it_is_there(site: Site) -> None:
    """On the address of a server that is gone nothing answers."""
    with emulator("--rps", "0") as gone:
        address = gone.url
    site.configure(address)
    site.add("a")
    with site.running():
        wait_until(lambda: "cannot be reached" in site.lane()["reason"])
        assert site.get("/healthz")[0] == 200
        with emulator("--rps", "0", "--port", address.rpartition(":")[2]) as back:
            wait_until(lambda: site.to_do() == 0)
            assert [one["id"] for one in back.held("app")] == ["a"]


def test_a_page_that_was_made_to_mean_this_machine_gets_nothing(site: Site) -> None:
    with site.running():
        code, said = site.get("/api/status", Host="evil.example")
    assert (code, "labels" in said) == (403, False)


def test_without_an_app_it_ends_with_2_before_anything_is_begun(site: Site) -> None:
    site.configure(site.remote.url)
    text = (site.folder / "syncer.toml").read_text().replace('app_id = "app"', "")
    (site.folder / "syncer.toml").write_text(text)
    code, said = ended(site.start())
    assert code == 2
    assert "no app" in said


def test_an_address_that_others_reach_needs_a_token(site: Site) -> None:
    site.configure(site.remote.url)
    config = site.folder / "syncer.toml"
    config.write_text(config.read_text().replace("127.0.0.1:0", "0.0.0.0:0"))
    code, said = ended(site.start())
    assert (code, "SYNCER_DAEMON_TOKEN" in said) == (2, True)
    with site.running(SYNCER_DAEMON_TOKEN="a-secret-of-the-daemon"):
        assert [site.get("/api/status")[0], site.get("/readyz")[0]] == [401, 200]
        assert site.get("/api/status", Authorization="Bearer a-secret-of-the-daemon")[0] == 200


def test_a_lane_that_is_paused_by_hand_stays_paused_over_a_restart(site: Site) -> None:
    with site.running() as process:
        wait_until(lambda: site.lane()["state"] == "open")
        assert site.post("/api/lanes/clarifai/pause")[0] == 200
        site.add("a")
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    with site.running():
        wait_until(lambda: "by hand" in site.lane()["reason"])
        assert site.post("/api/lanes/other/resume")[0] == 404
        assert site.post("/api/lanes/clarifai/resume", Origin="http://evil.example")[0] == 403
        assert site.held() == []
        assert site.post("/api/lanes/clarifai/resume")[0] == 200
        wait_until(lambda: site.to_do() == 0)
    assert site.held() == ["a"]


def test_growing_and_rotated_logs_of_a_folder_are_followed_each_line_once(site: Site) -> None:
    folder = site.folder / "changes"
    folder.mkdir()
    site.follow_logs("changes")
    ids = [f"a{number}" for number in range(9)]
    log = folder / "labels.jsonl"
    with site.running() as process:
        for at in range(0, 6, 2):
            with log.open("ab") as file:
                file.write(b"".join(post(id) + b"\n" for id in ids[at : at + 2]))
            wait_until(lambda: len(site.held()) == at + 2)  # noqa: B023 - it is waited for here
        log.rename(folder / "labels.jsonl.1")
        log.write_bytes(post(ids[6]) + b"\n")
        wait_until(lambda: len(site.held()) == 7)
        process.kill()
        process.wait()
    with log.open("ab") as file:
        file.write(post(ids[7]) + b"\n" + post(ids[8])[:20])
    with site.running():
        wait_until(lambda: len(site.held()) == 8)
        with log.open("ab") as file:
            file.write(post(ids[8])[20:] + b"\n")
        wait_until(lambda: len(site.held()) == 9)
        wait_until(lambda: site.source()["read"] == 9)
        assert site.lane()["dead"] == 0
    assert site.held() == ids


def test_a_log_that_was_cut_parks_that_file_and_not_its_source(site: Site) -> None:
    folder = site.folder / "changes"
    folder.mkdir()
    site.follow_logs("changes")
    (folder / "a.jsonl").write_bytes(post("a1") + b"\n" + post("a2") + b"\n")
    with site.running():
        wait_until(lambda: len(site.held()) == 2)
        (folder / "a.jsonl").write_bytes(post("a3") + b"\n")
        wait_until(lambda: bool(site.source()["checks"]))
        (folder / "b.jsonl").write_bytes(post("b") + b"\n")
        wait_until(lambda: len(site.held()) == 3)
        source = site.source()
    assert source["state"] == "following"
    (check,) = source["checks"]
    assert (check["name"].partition(":")[0], check["status"]) == ("file", "error")
    assert "a.jsonl" in check["name"]
    assert site.held() == ["a1", "a2", "b"]


@pytest.mark.proof
def test_a_source_whose_spool_is_damaged_is_parked_and_the_others_are_followed(site: Site) -> None:
    """It goes on once what is damaged is put right."""
    site.add("a")
    with site.running() as process:
        wait_until(lambda: site.to_do() == 0)
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    spool = site.folder / ".syncer" / "inbox" / "labels"
    aside = spool.rename(spool.with_name("aside"))
    spool.write_text("not a folder")
    (site.folder / "more.jsonl").write_bytes(post("m") + b"\n")
    config = site.folder / "syncer.toml"
    more = '[[sources]]\nname = "more"\nkind = "changelog"\npath = "more.jsonl"\n'
    config.write_text(config.read_text() + more)
    site.add("b")
    with site.running():
        wait_until(lambda: site.held() == ["a", "m"])
        states = {one["name"]: one["state"] for one in site.sources()}
        assert states == {"http": "following", "labels": "parked", "more": "following"}
        spool.unlink()
        aside.rename(spool)
        wait_until(lambda: site.to_do() == 0)
    assert site.held() == ["a", "b", "m"]


@pytest.mark.proof
def test_a_dead_letter_is_retried_or_dropped_by_the_command_beside_the_daemon(site: Site) -> None:
    site.remote.post("/_emulator/faults", {"faults": "inputs=must-exist"})
    site.add("a", "b")
    with site.running() as process:
        wait_until(lambda: site.lane()["dead"] == 2)
        site.remote.post("/_emulator/faults", {"faults": ""})
        assert site.dead("retry", "labels:9")[0] == 2
        first = site.dead("list")[1][0]
        place = f"{first['source']}:{first['line']}"
        assert site.dead("drop", place) == (0, [{"dropped": 1, "refused": []}])
        assert site.dead("retry", "--all") == (0, [{"queued": 1, "refused": []}])
        wait_until(lambda: len(site.held()) == 1)
        process.kill()
        process.wait()
    code, (told,) = site.dead("retry", "--code", "5")  # the socket of a killed one
    assert (code, "no dead letter matches code 5" in told["error"]) == (2, True)
    with site.running():
        wait_until(lambda: site.lane()["state"] == "open")
        code, (told,) = site.dead("drop", "--code", "5")
        assert (code, "no dead letter matches code 5" in told["error"]) == (2, True)


@pytest.mark.proof
def test_what_was_posted_before_a_kill_is_applied_once_though_it_is_posted_again(
    site: Site,
) -> None:
    """The remote is down at first, so that everything waits in the inbox."""
    with emulator("--rps", "0") as gone:
        address = gone.url
    site.configure(address)
    body = b"\n".join([*(post(f"a{n}") for n in range(50)), b"bad", WITHOUT_ID])
    key = {"Idempotency-Key": "first"}
    with site.running() as process:
        wait_until(lambda: site.post("/api/changes", body, **key)[0] == 202)
        told = site.post("/api/changes", body, **key)
        process.kill()
    with site.running():
        wait_until(lambda: site.post("/api/changes", body, **key)[0] != 503)
        assert site.post("/api/changes", body, **key) == told
        assert site.post("/api/changes", b"", **key)[0] == 422
        assert site.post("/api/changes", WITHOUT_ID)[0] == 400
        with emulator("--rps", "0", "--port", address.rpartition(":")[2]) as back:
            wait_until(lambda: site.lane()["applied"] == 51)
            assert len(back.held("app")) == 51
            (source,) = (one for one in site.sources() if one["name"] == "http")
            assert (source["kind"], source["read"], source["lane"]) == ("http", 51, "clarifai")
            assert site.lane()["dead"] == 0
    assert json.loads(told[1])["accepted"] == 51
    assert [one["line"] for one in json.loads(told[1])["bad"]] == [51]


def test_while_the_inbox_is_full_it_is_not_ready_and_says_when_to_come_again(site: Site) -> None:
    with emulator("--rps", "0") as gone:
        address = gone.url
    site.configure(address, daemon="inbox_bytes_max = 1000\nbody_bytes_max = 5000")
    with site.running():
        ready = lambda: site.get("/readyz")[0]  # noqa: E731
        wait_until(lambda: site.post("/api/changes", post("a"))[0] == 202)
        assert ready() == 200
        statuses = [site.post("/api/changes", post(f"b{n}"))[0] for n in range(20)]
        assert set(statuses) == {202, 503}
        assert ready() == 503
        assert site.post("/api/changes", b" " * 5001)[0] == 413
        with emulator("--rps", "0", "--port", address.rpartition(":")[2]):
            wait_until(lambda: ready() == 200)
            assert site.post("/api/changes", post("c"))[0] == 202


def test_every_route_is_described_and_nothing_else(site: Site) -> None:
    with site.running():
        described = json.loads(site.get("/api/openapi.json")[1])["paths"]
        named = {"{name}": "none", "{": "", "}": ""}
        for path, operations in described.items():
            for method in operations:
                if (method, path) in (("get", "/api/events"), ("post", "/api/reload")):
                    continue
                asked = path
                for part, value in named.items():
                    asked = asked.replace(part, value)
                status, body = site.get(asked) if method == "get" else site.post(asked, b"")
                assert str(status) in operations[method]["responses"], (method, path, status, body)
        assert site.get("/api/nothing")[0] == 404
    source = (Path(__file__).parents[2] / "syncer" / "daemon" / "http").glob("*.py")
    routes = {
        (method, path)
        for file in source
        for method, path in re.findall(
            r'@routes\.(get|post)\(\s*"([^"]+)"', file.read_text("utf-8")
        )
    }
    # those go through the control socket alone
    public = {(method, path) for method, path in routes if not path.startswith("/api/state/")}
    assert public == {(m, path) for path, operations in described.items() for m in operations}


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n", b"\x16\x03\x01 no HTTP\r\n\r\n"]
)
def test_what_is_no_http_is_refused_without_a_word_in_the_log(
    site: Site, request_line: bytes
) -> None:
    with site.running() as process:
        host, port = site.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request_line)
            assert b" 400 " in connection.recv(1000)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)
    assert "Traceback" not in told


def test_a_log_that_nobody_reads_holds_nothing_up(site: Site) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"x" * (1 << 16))  # as much as a pipe takes
    listen = f"127.0.0.1:{free_port()}"
    environment = {**ENVIRONMENT, "SYNCER_DAEMON_LISTEN": listen}
    process = subprocess.Popen(command("run"), cwd=site.folder, env=environment, stderr=writer)
    try:
        site.url = f"http://{listen}"
        insert(site.table, post("a"))
        wait_until(lambda: len(site.remote.held("app")) == 1)
        assert site.get("/healthz")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)

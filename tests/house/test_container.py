"""The container file and the compose file fit the project: what they copy is there,
what they call can be called, their config is taken.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from syncer.config.models import Daemon
from tests.house.package import VERSIONS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DEPLOY = ROOT / "deploy"
CONTAINER = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
CONFIG = (DEPLOY / "etc" / "syncer.toml").read_text("utf-8")
PORT = Daemon().listen.rpartition(":")[2]


def last(instruction: str) -> str:
    """What such a line of the last stage says."""
    stage = CONTAINER[CONTAINER.rindex("\nFROM ") :]
    (found,) = re.findall(rf"^{instruction} (.*)$", stage, re.MULTILINE)
    return str(found)


def exec_form(text: str) -> list[str]:
    """A command without a shell."""
    return list(json.loads(text))


def run_syncer(*arguments: str, **environment: str) -> tuple[int, str]:
    """Runs the command, which knows nothing but these variables."""
    done = subprocess.run(
        [Path(sys.executable).with_name("syncer"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server that says so to `/healthz`; gives its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_what_is_copied_is_there_and_nothing_else_of_this_folder_is_sent() -> None:
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINER, re.MULTILINE)
        for name in line.split()
    }
    assert [] == [name for name in copied if not (ROOT / name).exists()]
    everything, *sent, caches = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] != "#"
    ]
    assert (everything, caches) == ("*", "**/__pycache__")
    assert {f"!{name}" for name in copied} == set(sent)


def test_it_installs_this_project_with_extras_that_there_are_on_a_python_that_is_tried() -> None:
    ((name, extras),) = re.findall(r"'([\w-]+)\[([\w,]+)\]'", CONTAINER)
    assert name == PROJECT["name"]
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    assert {"postgres" in CONFIG} == {"pg" in extras.split(",")}
    bases = re.findall(r"^FROM docker.io/library/python:([\d.]+)-slim\b", CONTAINER, re.MULTILINE)
    assert len(bases) == 2
    assert set(bases) <= set(VERSIONS)


def test_syncer_is_the_first_process_and_belongs_to_no_root() -> None:
    (command,) = exec_form(last("ENTRYPOINT"))
    assert command in PROJECT["scripts"]
    assert exec_form(last("CMD")) == ["run", "-c", "/etc/syncer/syncer.toml"]
    user, group = last("USER").split(":")
    assert f"useradd --uid {user} --user-group" in CONTAINER
    assert int(user) == int(group) > 0


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False)])
def test_its_health_is_what_the_daemon_says(status: int, is_healthy: bool) -> None:
    _, said = last("HEALTHCHECK").split(" CMD ")
    _, *command = exec_form(said)
    assert (last("EXPOSE"), said.count(PORT)) == (PORT, 1)
    with answering(status) as port:
        asked = [each.replace(PORT, str(port)) for each in command]
        done = subprocess.run([sys.executable, *asked], capture_output=True, timeout=30)
    assert (done.returncode == 0) is is_healthy


def test_each_service_has_a_root_that_is_read_only_and_no_rights() -> None:
    for service in SERVICES.values():
        assert service["read_only"]
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "cap_add" not in service
        assert not [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]


def test_syncer_keeps_its_state_reads_its_config_and_has_the_time_that_a_drain_takes() -> None:
    syncer = SERVICES["syncer"]
    assert syncer["build"] == {"context": "..", "dockerfile": "deploy/Containerfile"}
    assert syncer["pull_policy"] == "build"  # else an image of this name would be looked for
    assert "./etc:/etc/syncer:ro" in syncer["volumes"]
    assert f"state:{last('VOLUME')}" in syncer["volumes"]
    assert last("VOLUME") == last("WORKDIR")
    assert set(COMPOSE["volumes"]) == {"state", "database"}
    assert int(syncer["stop_grace_period"].removesuffix("s")) > Daemon().drain_seconds
    assert "command" not in syncer


def test_syncer_starts_after_the_table_is_made_in_a_database_that_answers_by_tcp() -> None:
    assert SERVICES["syncer"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "table": {"condition": "service_completed_successfully"},
    }
    assert SERVICES["table"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert "127.0.0.1" in SERVICES["postgres"]["healthcheck"]["test"]


def test_the_config_of_the_compose_file_is_taken_and_has_all_that_it_names(tmp_path: Path) -> None:
    config = tmp_path / "syncer.toml"
    config.write_text(CONFIG.replace("/etc/syncer", str(tmp_path)))
    for token in re.findall(r'^token_file = "/etc/syncer/(.*)"$', CONFIG, re.MULTILINE):
        (tmp_path / token).write_text("made-up")
    environment = dict(SERVICES["syncer"]["environment"])
    assert run_syncer("config", "check", "-c", str(config), **environment) == (0, "config OK\n")
    listening = tomllib.loads(CONFIG)["daemon"]["listen"]
    assert SERVICES["syncer"]["ports"] == [f"127.0.0.1:{PORT}:{listening.rpartition(':')[2]}"]


def test_the_table_is_made_by_a_command_that_there_is(tmp_path: Path) -> None:
    """Here no database answers, which is said only after all else was right."""
    config = tmp_path / "syncer.toml"
    config.write_text(CONFIG.replace("/etc/syncer", str(tmp_path)))
    command = [each.replace("/etc/syncer", str(tmp_path)) for each in SERVICES["table"]["command"]]
    code, said = run_syncer(*command, LABELS_DSN="postgresql://syncer:x@127.0.0.1:1/labels")
    assert (code, "LABELS_DSN" in said) == (1, True), said


def test_git_keeps_no_secret_of_the_one_who_runs_it() -> None:
    tokens = re.findall(r'"/etc/syncer/(\S+\.token)"', CONFIG)
    paths = ["deploy/.env", *(f"deploy/etc/{name}" for name in tokens)]
    done = subprocess.run(
        ["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == paths

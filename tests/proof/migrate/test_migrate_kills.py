"""A migration that is killed again and again, against an emulator with faults: in the
end all labels are at the target once, the report adds up, and another run sends
nothing.

    SYNCER_PROOF_MIGRATE=100000 pytest -s tests/proof/migrate
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from syncer.remotes.clarifai import same_annotation
from tests.e2e.test_migrate import check_sums
from tests.proof.migrate.documents import make_projects
from tests.support.mixed import write_mixed
from tests.support.processes import ENVIRONMENT, EmulatorProcess, command, emulator, started, until

LABELS = int(os.environ.get("SYNCER_PROOF_MIGRATE", "5000"))
SEED = int(os.environ.get("SYNCER_PROOF_SEED", "1"))
DOCUMENTS = 500
FAULTS = "error=0.03,cut=0.03,reset-after=0.03,partial=0.02,throttle=0.01,id-scope=app"
KILLS: Sequence[str | None] = (
    *(None, "assess", "assess", "convert"),
    *("prepare", "prepare", "prepare", "prepare", "push", "push"),
)
"""What is done when the process is killed, a moment later."""
CARRIED = ("data", "annotation_info")
LIMITS = "requests_per_second = 1000"
END = (
    "[push]\nconcurrency = 8\n[retry]\nbase_seconds = 0.01\nthrottle_seconds = 0.05\n"
    "max_attempts = 100\n"
)
Annotation = dict[str, Any]


def migrate_with_kills(
    server: EmulatorProcess, config: Path, seed: int
) -> tuple[dict[str, Any], int]:
    """Return the report, and how many kills hit a living process."""
    rng, hits = random.Random(seed), 0
    folder = config.parent / "job"
    record = folder / "job.json"
    arguments = command("migrate", "-c", str(config), "--job", str(folder), "--json")

    def list_done() -> dict[str, Any]:
        done: dict[str, Any] = json.loads(record.read_bytes())["done"] if record.exists() else {}
        return done

    for phase in KILLS:
        process = started(arguments)
        until(process, lambda phase=phase: phase is None or phase in list_done())  # type: ignore[misc]
        time.sleep(rng.uniform(0, 2) if phase else rng.uniform(0, 4))
        hits += process.poll() is None
        process.kill()
        process.communicate()
    done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, timeout=1200)
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, report["complete"]) == (0, True), done.stderr.decode()
    asked = server.get("/_emulator/report")["requests"]
    again = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, timeout=120)
    assert (again.returncode, json.loads(again.stdout)) == (0, report)
    assert server.get("/_emulator/report")["requests"] == asked
    check_sums(report)
    assert report["verified"]["same"] == report["written"]
    return report, hits


def read_ids(config: Path) -> Iterator[list[str]]:
    rows = (config.parent / "job" / "pass-1" / "id-map.csv").read_text("utf-8").splitlines()
    return (row.split(",") for row in rows[1:])


def test_an_app_arrives_once_though_the_job_is_killed_ten_times(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    write_mixed(path, LABELS * 10 // 8, SEED, each=8)
    twins = [
        {"id": "twin", "input_id": f"twin-{n}", "data": {"metadata": {"n": n}}} for n in (2, 1)
    ]
    with path.open("ab") as out:
        out.writelines(orjson.dumps(twin) + b"\n" for twin in twins)
    with emulator("--rps", "0", "--faults", FAULTS, "--load", f"me/old={path}") as server:
        config = tmp_path / "migrate.toml"
        side = f'base_url = "{server.url}"\n{LIMITS}\n'
        config.write_text(
            f'[migrate.from]\nkind = "clarifai"\napp_id = "old"\n{side}'
            f'[migrate.to]\napp_id = "new"\n{side}[migrate]\ncreate_inputs = true\n{END}'
        )
        report, hits = migrate_with_kills(server, config, SEED)
        old = {(one["input_id"], one["id"]): one for one in server.held("old")}
        new = {(one["input_id"], one["id"]): one for one in server.held("new")}
    moved = 0
    for input_id, source_id, target_id in read_ids(config):
        before, after = old.pop((input_id, source_id)), new.pop((input_id, target_id))
        text = orjson.dumps({name: before[name] for name in CARRIED if name in before})
        wanted = orjson.loads(text.replace(b'"app_id":"old"', b'"app_id":"new"'))
        assert same_annotation(wanted, after), (before, after)
        moved += 1
    left = [one for one in [*old.values(), *new.values()] if not one.get("input_level")]
    assert all(one.get("model_version_id") for one in left), left[:3]
    assert moved == report["written"]
    print(f"\n{moved:,} labels app to app, {hits} kills: {report['sentence']}")


@pytest.mark.parametrize("kind", ["annotell"])
def test_documents_arrive_once_though_the_job_is_killed_ten_times(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "project.json"
    path.write_bytes(orjson.dumps(make_projects("many", DOCUMENTS, LABELS // DOCUMENTS, SEED)))
    with emulator("--rps", "0", "--faults", FAULTS, "--load", str(path)) as server:
        secret = tmp_path / "credentials.json"
        secret.write_text('{"clientId": "me", "clientSecret": "hush"}')
        config = tmp_path / "migrate.toml"
        config.write_text(
            f'[migrate.from]\nkind = "{kind}"\nproject = "many"\n{LIMITS}\n'
            f'credentials = "{secret}"\n'
            f'base_url = "{server.url}"\nauth_url = "{server.url}"\n'
            f'[migrate.to]\napp_id = "new"\nbase_url = "{server.url}"\n{LIMITS}\n{END}'
        )
        report, hits = migrate_with_kills(server, config, SEED)
        new = [one for one in server.held("new") if not one.get("input_level")]
    assert len(new) == len({one["id"] for one in new}) == report["written"]
    print(f"\n{len(new):,} labels of documents, {hits} kills: {report['sentence']}")

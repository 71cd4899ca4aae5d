"""Makes the pictures of the status page in docs/images again: `make screenshots`.

A daemon with two lanes pushes to the emulator for a minute; one file of a folder is
half-written. They are taken by the driver of the tests.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.browser.environment import drive
from tests.e2e.test_run import Site
from tests.support.lines import post
from tests.support.outbox import insert
from tests.support.processes import ROOT, emulator

IMAGES = ROOT / "docs" / "images"
SECONDS = 60.0
ROWS = 24_000
CONFIG = """
[[destinations]]
name = "prod"
base_url = "{url}"
app_id = "prod"
user_id = "me"
token_env = "PROD_PAT"
requests_per_second = 15

[[destinations]]
name = "review"
base_url = "{url}"
app_id = "review"
user_id = "me"
token_env = "REVIEW_PAT"
requests_per_second = 5

[push]
batch_size = 16

[daemon]
listen = "127.0.0.1:0"

[[sources]]
name = "labels"
kind = "sqlite"
lane = "prod"
path = "labels.db"
table = "outbox"

[[sources]]
name = "wanted"
kind = "directory"
lane = "prod"
path = "wanted"

[[sources]]
name = "changes"
kind = "changelog"
lane = "review"
path = "changes"
"""


def take(folder: Path) -> None:
    """Take them, of a daemon whose files are in this folder."""
    with emulator("--rps", "0") as remote:
        site = Site(folder, remote)
        (folder / "syncer.toml").write_text(CONFIG.format(url=remote.url))
        for name in ("wanted", "changes"):
            (folder / name).mkdir()
        (folder / "wanted" / "street-7.json").write_text('{"input_id": "street-7", "an')
        insert(site.table, *(post(f"a{n}") for n in range(ROWS)))
        with site.running(PROD_PAT="one-token", REVIEW_PAT="another"):
            until = time.monotonic() + SECONDS
            with (folder / "changes" / "today.jsonl").open("ab", buffering=0) as log:
                at = 0
                while time.monotonic() < until:
                    log.write(b"".join(post(f"b{n}") + b"\n" for n in range(at, at + 20)))
                    at += 20
                    time.sleep(10)
            drive("images", site.url, str(IMAGES))


def main() -> None:
    """See the module."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            take(Path(folder))
        except pytest.skip.Exception as lacking:
            sys.exit(str(lacking))


if __name__ == "__main__":
    main()

"""The codes of `syncer import --health` in docs/import.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from syncer.formats.faults import RefusalCode
from syncer.formats.labels import NoticeCode
from syncer.jobs.importing.health import ALL_LABELS, EVENTS, REASONS, UNREADABLE


def test_the_page_has_every_code_and_no_other() -> None:
    page = Path("docs/import.md").read_text()
    table = page.split("### Codes of `--health`")[1].split("\n## ")[0]
    shown = re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    codes = {*EVENTS.values(), *REASONS.values(), UNREADABLE, *ALL_LABELS, *get_args(RefusalCode)}
    assert sorted(shown) == sorted(codes | {"size-contradiction", *get_args(NoticeCode)})

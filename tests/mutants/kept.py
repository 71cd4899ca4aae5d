"""What came of mutants, from run to run: a line of JSON each, appended as soon as it is
known.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache

from tests.mutants.parts import PARTS, ROOT
from tests.mutants.sample import Mutant
from tests.mutants.trial import Outcome

FILE = ROOT / ".mutants" / "outcomes.jsonl"


class Kept:
    """The last outcome of each mutant."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, object]] = {}
        if FILE.exists():
            for line in FILE.read_text().splitlines():
                try:
                    row = json.loads(line)
                except ValueError:
                    continue  # the run that wrote it was ended in the middle of it
                self._rows[row["key"]] = row

    def of(self, mutant: Mutant) -> Outcome | None:
        """What came of it, None where that has to be found out: a survivor is tried
        again when tests have changed.
        """
        row = self._rows.get(mutant.key)
        if row is None or (row["how"] == "survived" and row["tests"] != tests_of(mutant.part)):
            return None
        return Outcome(row["how"], row["seconds"])  # type: ignore[arg-type]

    def keep(self, mutant: Mutant, outcome: Outcome) -> None:
        """Write it down."""
        FILE.parent.mkdir(exist_ok=True)
        where = f"{mutant.path}:{mutant.line} {mutant.operator}"
        row = {"key": mutant.key, **asdict(outcome), "tests": tests_of(mutant.part), "where": where}
        with FILE.open("a") as file:
            file.write(json.dumps(row) + "\n")


@cache
def tests_of(part: str) -> str:
    """A hash of the part's tests, and of what they are made of."""
    digest = hashlib.blake2b(digest_size=8)
    for name in (*PARTS[part].tests, "tests/support"):
        path = ROOT / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()

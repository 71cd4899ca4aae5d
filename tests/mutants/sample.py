"""Which mutants are tried: so many of each part, drawn from a seed among all places at
which a bug could be.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import random
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.environments import python_of
from tests.mutants.parts import PARTS, ROOT

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    part: str
    path: str
    line: int
    operator: str
    text: str
    """All of the module, changed."""

    @property
    def key(self) -> str:
        """Tells it from all others, and from itself in another text of the module."""
        return hashlib.blake2b(
            f"{self.path}\n{self.text}\n{(ROOT / self.path).read_text()}".encode(), digest_size=12
        ).hexdigest()

    def difference(self) -> str:
        """What is changed, with two lines around it."""
        lines = difflib.unified_diff(
            (ROOT / self.path).read_text().splitlines(), self.text.splitlines(), lineterm="", n=2
        )
        return "\n".join(list(lines)[2:])


def sample(seed: int, count: int, names: Sequence[str]) -> list[Mutant]:
    """As many of each part as of any other, while it has them; of no place two."""
    mutants: list[Mutant] = []
    for number, name in enumerate(sorted(names)):
        share = count // len(names) + (number < count % len(names))
        mutants += _of(name, seed, share)
    # So that a run which is interrupted tells something of each part.
    random.Random(seed).shuffle(mutants)
    return mutants


def _of(name: str, seed: int, count: int) -> list[Mutant]:
    paths = sorted(
        {
            str(path.relative_to(ROOT))
            for pattern in PARTS[name].modules
            for path in ROOT.glob(pattern)
        }
    )
    found = [
        (mark, path, place)
        for path, places in zip(paths, _asked({"path": path} for path in paths), strict=True)
        for mark, place in _marked(seed, path, places)
    ]
    found.sort(key=lambda row: row[0])
    mutants: list[Mutant] = []
    while found and len(mutants) < count:
        drawn = [
            (path, place, random.Random(mark).choice(place["options"]))
            for mark, path, place in found[: count - len(mutants)]
        ]
        del found[: len(drawn)]
        texts = _asked({"path": path, "option": option} for path, _, option in drawn)
        mutants += [
            Mutant(name, path, place["line"], option[0], text)
            for (path, place, option), text in zip(drawn, texts, strict=True)
            if text is not None and text != (ROOT / path).read_text()
        ]
    return mutants


def _marked(seed: int, path: str, places: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Each place with a mark by which it is drawn: one that stays what it is when other
    lines change.
    """
    lines = (ROOT / path).read_text().splitlines()
    seen: Counter[str] = Counter()
    for place in places:
        text = lines[place["line"] - 1].strip()
        seen[text] += 1
        yield (
            hashlib.blake2b(
                f"{seed} {path} {text} {seen[text]}".encode(), digest_size=8
            ).hexdigest(),
            place,
        )


def _asked(rows: Iterable[dict[str, Any]]) -> list[Any]:
    """What the operators say, in an environment of their own."""
    asked = "".join(json.dumps({**row, "path": str(ROOT / row["path"])}) + "\n" for row in rows)
    command = [python_of("cosmic-ray", HERE), HERE / "operators.py"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]

"""A token file that is written again while a push or a pull goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncer.core.ports.wire import Request
from syncer.errors import CredentialsRefused
from syncer.jobs.push import Finished
from tests.support.lanes import App
from tests.support.lines import post

COUNT = 40


class Rotation:
    """A push of some labels, one a request, whose token is refused from the tenth on.

    `after`: what the file holds from then on; None: nobody writes it.
    """

    def __init__(self, folder: Path, after: str | None) -> None:
        self.app = App(folder / "state")
        self.log, self.token = folder / "log.jsonl", folder / "token"
        self.log.write_bytes(b"".join(post(f"a{number}") + b"\n" for number in range(COUNT)))
        self.token.write_text("old\n")
        self._after = after
        self.app.interfering = self._happens

    def _happens(self, request: Request) -> None:
        if len(self.app.asked) == 10:
            self.app.refused_keys.add("Key old")
            if self._after is not None:
                self.token.write_text(self._after)

    def push(self, **options: Any) -> Finished:
        return self.app.push(
            self.log, clarifai__token_file=str(self.token), push__batch_size=1, **options
        )


def test_a_push_goes_on_with_the_new_token_and_applies_all_once(tmp_path: Path) -> None:
    rotation = Rotation(tmp_path, "new\n")
    finished = rotation.push(push__requests_per_second=100)
    assert (finished.exit_code, finished.error) == (0, None)
    assert (finished.summary.applied, finished.summary.dead) == (COUNT, 0)
    assert len(rotation.app.held) == COUNT
    assert finished.summary.requests == len(rotation.app.asked) > COUNT


@pytest.mark.parametrize("after", [None, "", "old", "half of\na token"])
def test_a_push_whose_file_holds_no_other_token_ends_with_exit_2_and_loses_nothing(
    tmp_path: Path, after: str | None
) -> None:
    rotation = Rotation(tmp_path, after)
    finished = rotation.push()
    assert finished.exit_code == 2
    assert isinstance(finished.error, CredentialsRefused)
    assert finished.summary.dead == 0
    assert "old" not in str(finished.error)
    rotation.token.write_text("new")
    again = rotation.push()
    assert (again.exit_code, len(rotation.app.held)) == (0, COUNT)


def test_the_limit_outlives_the_token(tmp_path: Path) -> None:
    rotation = Rotation(tmp_path, "new")
    app, times = rotation.app, list[float]()
    happens = rotation.app.interfering

    def note(request: Request) -> None:
        times.append(app.time.now)
        happens(request)

    app.interfering = note
    assert rotation.push(push__requests_per_second=5).exit_code == 0
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[5:], strict=False))

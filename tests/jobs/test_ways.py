"""How each remote is reached, as people are shown it, and what is wrong with that."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from syncer.jobs.ways import faults, show_ways
from tests.support.lanes import App


def system(cafile: str | None, capath: str | None) -> ssl.DefaultVerifyPaths:
    return ssl.DefaultVerifyPaths(cafile, capath, "", "", "", "")


@pytest.mark.parametrize(
    ("file", "folder", "said"),
    [
        ("/a.pem", "/certs", "the system's: /a.pem"),
        ("/a.pem", None, "the system's: /a.pem"),
        (None, "/certs", "the system's: /certs"),
        (None, None, "the system's: none is there"),
    ],
)
def test_the_systems_authorities_are_shown_by_their_file_else_their_folder(
    file: str | None, folder: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: system(file, folder))
    values = {key: value for key, value, _ in show_ways(App(tmp_path).config(), {})}
    assert values["clarifai.authority"] == values["annotell.authority"] == said


def test_each_file_of_authorities_that_cannot_be_used_is_named_once(tmp_path: Path) -> None:
    app, missing = App(tmp_path), str(tmp_path / "none.pem")
    assert list(faults(app.config(), {})) == []
    said = [str(fault) for fault in faults(app.config(clarifai__ca_file=missing), {})]
    assert len(said) == 1
    assert said[0].startswith(
        f"the authorities in {missing!r} cannot be used: No such file or directory;"
        " clarifai.ca_file"
    )

"""From a configuration and a selection to what is pulled, from where, as which job; and
the sample of the demo.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from syncer.api.remotes import Annotell, load_with
from syncer.config import Loaded
from syncer.errors import UsageError
from syncer.jobs.limiters import Limiters
from syncer.jobs.origins import annotell_origin, clarifai_origin, open_pull, read_known_documents
from syncer.jobs.sample import write_sample
from syncer.remotes.annotell import ChangeListing
from syncer.remotes.annotell import DocumentSelection as Documents
from syncer.remotes.clarifai.layout import AnnotationLayout, InputsLayout
from syncer.remotes.clarifai.selection import Selection
from tests.support.lanes import App

OF_PROJECT = Documents(project="p")
KNOWN = {("u", "signs"): "2022-01-01"}


def annotell(tmp_path: Path, secret: str | None = "s", **options: Any) -> Loaded:
    where = Annotell(
        base_url="http://127.0.0.1:1",
        auth_url="http://127.0.0.1:2",
        client_id="c" if secret else None,
        client_secret=secret,
    )
    return load_with(
        where, None, {"state.dir": str(tmp_path / "state"), **options}, {"HOME": str(tmp_path)}
    )


def test_another_selection_remote_or_app_is_another_job(tmp_path: Path) -> None:
    app = App(tmp_path / "state")
    names = {
        clarifai_origin(app.config(), Limiters(), Selection()).name,
        clarifai_origin(app.config(), Limiters(), Selection(input_ids=("i",))).name,
        clarifai_origin(
            app.config(clarifai__base_url="http://127.0.0.1:9"), Limiters(), Selection()
        ).name,
        annotell_origin(annotell(tmp_path), Limiters(), OF_PROJECT).name,
        annotell_origin(annotell(tmp_path), Limiters(), Documents(project="q")).name,
        annotell_origin(annotell(tmp_path), Limiters(), OF_PROJECT, KNOWN).name,
        annotell_origin(
            annotell(tmp_path), Limiters(), OF_PROJECT, {("u", "signs"): "2023-01-01"}
        ).name,
    }
    assert len(names) == 7
    assert clarifai_origin(app.config(), Limiters(), Selection()).name in names
    assert annotell_origin(annotell(tmp_path), Limiters(), OF_PROJECT, dict(KNOWN)).name in names
    assert not any("a-token" in name or "'s'" in name for name in names)


def test_what_is_known_of_inputs_is_written_beside_their_annotations_where_it_is_asked_for(
    tmp_path: Path,
) -> None:
    config = App(tmp_path / "state").config()
    assert isinstance(
        clarifai_origin(config, Limiters(), Selection(with_inputs=True)).layout, InputsLayout
    )
    assert isinstance(clarifai_origin(config, Limiters(), Selection()).layout, AnnotationLayout)


def test_documents_are_fetched_at_the_rate_and_as_many_at_a_time_as_configured(
    tmp_path: Path,
) -> None:
    origin = annotell_origin(
        annotell(tmp_path, **{"annotell.requests_per_second": 3, "annotell.concurrency": 5}),
        Limiters(),
        OF_PROJECT,
    )
    assert (origin.pace.requests_per_second, origin.storage_concurrency) == (3, 5)
    assert origin.storage is not None
    assert (
        clarifai_origin(App(tmp_path / "state").config(), Limiters(), Selection()).storage is None
    )


def test_without_credentials_what_to_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ANNOTELL_CLIENT_ID"):
        annotell_origin(annotell(tmp_path, secret=None), Limiters(), OF_PROJECT)


def test_what_has_changed_is_told_of_a_project_only(tmp_path: Path) -> None:
    assert isinstance(
        annotell_origin(annotell(tmp_path), Limiters(), OF_PROJECT, KNOWN).listing, ChangeListing
    )
    assert isinstance(
        annotell_origin(annotell(tmp_path), Limiters(), OF_PROJECT, {}).listing, ChangeListing
    )
    assert not isinstance(
        annotell_origin(annotell(tmp_path), Limiters(), OF_PROJECT).listing, ChangeListing
    )
    with pytest.raises(UsageError):
        annotell_origin(annotell(tmp_path), Limiters(), Documents(input_uuids=("u",)), KNOWN)
    with pytest.raises(UsageError):
        annotell_origin(annotell(tmp_path), Limiters(), OF_PROJECT, {("u", ""): "2022"})


# --- earlier pulls --------------------------------------------------------------------

LINE = (
    b'{"input_uuid":"u","annotation_type":"signs","created":"2022-01-01",'
    b'"annotation_id":"a","content":{}}\n'
)


def test_what_an_earlier_pull_holds_is_known_packed_or_not(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_bytes(LINE)
    (tmp_path / "out.jsonl.gz").write_bytes(gzip.compress(LINE))
    assert (
        read_known_documents(tmp_path / "out.jsonl")
        == read_known_documents(tmp_path / "out.jsonl.gz")
        == KNOWN
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("out.jsonl", b"no JSON\n"),
        ("out.jsonl.gz", gzip.compress(LINE, mtime=0)[:-5]),
        ("out.jsonl.gz", b"not gzip at all"),
    ],
)
def test_what_is_not_an_earlier_pull_is_refused_by_its_name(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=name):
        read_known_documents(tmp_path / name)
    with pytest.raises(UsageError, match=r"none\.jsonl"):
        read_known_documents(tmp_path / "none.jsonl")


# --- jobs -----------------------------------------------------------------------------


def test_each_job_has_a_folder_of_its_own_unless_one_is_named(tmp_path: Path) -> None:
    app = App(tmp_path / "state")
    origin = clarifai_origin(app.config(), Limiters(), Selection())
    made = []
    for out, format_ in (("a.jsonl", None), ("b.jsonl", None), ("a.jsonl", None), ("a", "csv")):
        with open_pull(app.config(), origin, str(tmp_path / out), format_, state=None) as lane:
            assert app.run(lane.run).error is None
        made.append(sorted(path.name for path in app.state.iterdir()))
    assert [len(folders) for folders in made] == [1, 2, 2, 3]
    assert all(name.startswith("pull-") for name in made[-1])
    out, named = str(tmp_path / "c.jsonl"), tmp_path / "named"
    with open_pull(app.config(), origin, out, None, state=named):
        assert named.is_dir()
    assert len(list(app.state.iterdir())) == 3


# --- the demo's sample ----------------------------------------------------------------


def test_the_sample_leaves_what_it_says_and_is_the_same_each_time(tmp_path: Path) -> None:
    left = write_sample(tmp_path / "sample.jsonl", 300, seed=4)
    assert write_sample(tmp_path / "again.jsonl", 300, seed=4) == left
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "sample.jsonl").read_bytes()
    app = App(tmp_path / "state")
    finished = app.push(tmp_path / "sample.jsonl")
    assert (finished.error, finished.summary.read, finished.summary.dead) == (None, 300, 0)
    assert set(app.held) == set(left)
    assert app.verify(tmp_path / "sample.jsonl")[0].same == len(left)
    text = (tmp_path / "sample.jsonl").read_text()
    assert all(f'"op":"{op}"' in text for op in ("post", "patch", "delete"))

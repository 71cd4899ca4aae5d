"""Which files are change logs: what arguments name, what is in folders, and what is
left out and named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp

import pytest

from syncer.errors import UsageError
from syncer.jobs.ours import OnDisk, name_logs
from syncer.journal.disk import REAL
from syncer.journal.journal import DestinationId, Journal
from syncer.sources.folders import Walk, tidy
from syncer.sources.logs import NamedLogs
from tests.support.names import noted_names

LINE = b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(*names: str) -> None:
    """Logs with these names, and the folders that they are in."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(LINE)


def named(state: str = ".syncer") -> NamedLogs:
    return name_logs(Path(state, "spool"), BytesIO(), Path(state))


def labels(*arguments: str) -> list[str]:
    """The names of the logs that these arguments name."""
    logs = named()
    return [log.label for argument in arguments for log in logs.of(argument)]


def notes(*arguments: str) -> list[str]:
    """What is said of what is left out."""
    logs = named()
    for argument in arguments:
        list(logs.of(argument))
    return logs.notes()


def refusal(*arguments: str) -> str:
    """Why these arguments are refused."""
    with pytest.raises(UsageError) as raised:
        labels(*arguments)
    assert raised.value.exit_code == 2
    return str(raised.value)


def test_a_folder_is_read_recursively_by_name() -> None:
    written(
        "logs/b.jsonl",
        "logs/a/z.jsonl.gz",
        "logs/a/y.jsonl",
        "logs/a.jsonl",
        "logs/c/d/e.jsonl",
        "logs/note.txt",
    )
    assert labels("logs") == [
        "logs/a/y.jsonl",
        "logs/a/z.jsonl.gz",
        "logs/a.jsonl",
        "logs/b.jsonl",
        "logs/c/d/e.jsonl",
    ]


def test_arguments_are_read_in_their_order_and_each_file_once() -> None:
    written("logs/b.jsonl", "logs/a.jsonl", "c.jsonl")
    assert labels("c.jsonl", "logs/b.jsonl", "logs", "./c.jsonl") == [
        "c.jsonl",
        "logs/b.jsonl",
        "logs/a.jsonl",
    ]


def test_a_folder_called_like_a_log_is_a_folder() -> None:
    written("logs/x.jsonl/a.jsonl")
    assert labels("logs") == ["logs/x.jsonl/a.jsonl"]


def test_a_deep_folder_is_read() -> None:
    deep = "logs/" + "d/" * 1100
    Path("logs").mkdir()
    folder = os.open("logs", os.O_RDONLY)
    try:
        for _ in range(1100):
            os.mkdir("d", dir_fd=folder)
            inner = os.open("d", os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = inner
        os.close(os.open("x.jsonl", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    finally:
        os.close(folder)
    try:
        assert labels("logs") == [deep + "x.jsonl"]
    finally:
        # Python's own way to remove it fails at such a depth.
        subprocess.run(["rm", "-rf", "logs"], check=True)


# --- one file under several names -----------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    [
        "logs/../logs/a.jsonl",
        "./logs/a.jsonl",
        "logs//a.jsonl",
        "linked/a.jsonl",
        "logs/link",
    ],
)
def test_a_log_is_one_log_by_whatever_path_it_is_named(spelling: str, tmp_path: Path) -> None:
    written("logs/a.jsonl")
    Path("linked").symlink_to("logs")
    Path("logs/link").symlink_to("a.jsonl")
    logs = named()
    (first,) = [
        log
        for argument in ("logs/a.jsonl", spelling, str(tmp_path / spelling))
        for log in logs.of(argument)
    ]
    assert (first.path, first.label) == (str(tmp_path / "logs/a.jsonl"), "logs/a.jsonl")


def test_links_in_a_folder_are_one_log_under_the_first_of_their_names() -> None:
    written("logs/m.jsonl", "elsewhere/o.jsonl")
    Path("logs/a.jsonl").symlink_to("m.jsonl")
    Path("logs/z.jsonl").hardlink_to("logs/m.jsonl")
    Path("logs/b.jsonl").symlink_to("../elsewhere/o.jsonl")
    hard_linked = ["logs/z.jsonl"]  # a path of its own: what was known at it is looked for, too
    assert labels("logs") == ["logs/a.jsonl", "logs/b.jsonl", *hard_linked]


def test_linked_folders_are_followed_once() -> None:
    written("logs/2025/a.jsonl", "mounted/b.jsonl")
    Path("logs/2024").symlink_to("2025")
    Path("logs/2026").symlink_to(Path("mounted").absolute())
    Path("logs/2027").symlink_to("2026")
    assert labels("logs") == ["logs/2024/a.jsonl", "logs/2026/b.jsonl"]


def test_a_link_to_a_folder_above_does_not_lead_in_circles() -> None:
    written("logs/a.jsonl", "logs/b/c.jsonl")
    Path("logs/b/again").symlink_to("..")
    Path("logs/b/self").symlink_to(".")
    assert labels("logs") == ["logs/a.jsonl", "logs/b/c.jsonl"]


# --- what cannot be read ends the run -------------------------------------------------


def test_a_dangling_link_is_named() -> None:
    """It may have been a log, or a folder of them that is not mounted."""
    written("logs/a.jsonl")
    Path("logs/2026").symlink_to("/nowhere/2026")
    assert (
        "logs/2026, a link to /nowhere/2026, cannot be read: No such file or directory"
        in refusal("logs")
    )


def test_a_link_that_leads_in_circles_is_named() -> None:
    written("logs/a.jsonl")
    Path("logs/loop.jsonl").symlink_to("loop.jsonl")
    assert (
        "logs/loop.jsonl, a link to loop.jsonl, cannot be read: Too many levels of symbolic links"
        in refusal("logs")
    )


@pytest.mark.parametrize("argument", ["logs", "logs/p.jsonl"])
def test_a_pipe_with_the_name_of_a_log_is_named(argument: str) -> None:
    written("logs/a.jsonl")
    os.mkfifo("logs/p.jsonl")
    assert "the change log logs/p.jsonl is not a file but a pipe or a device" in refusal(argument)


def test_pipes_that_no_log_is_called_like_are_none_of_our_business() -> None:
    written("logs/a.jsonl")
    os.mkfifo("logs/control")
    assert labels("logs") == ["logs/a.jsonl"]


@contextmanager
def reachable() -> Iterator[None]:
    """In a folder that any user can reach."""
    place = Path(mkdtemp(prefix="syncer-rights-", dir="/tmp"))
    place.chmod(0o755)
    os.chdir(place)
    try:
        yield
    finally:
        os.chdir("/")
        shutil.rmtree(place)


@contextmanager
def nobody() -> Iterator[None]:
    """As another user than root, who may read everything."""
    before = os.geteuid()
    if before:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize(
    ("locked", "said"),
    [("logs/b", "the folder logs/b"), ("logs/a.jsonl", "the change log logs/a.jsonl")],
)
def test_what_this_user_may_not_read_is_named(locked: str, said: str) -> None:
    with reachable():
        written("logs/a.jsonl", "logs/b/c.jsonl", "logs/d.jsonl")
        Path(locked).chmod(0)
        with nobody():
            assert f"{said} cannot be read: " in refusal("logs")
        Path(locked).chmod(0o755)


def test_a_log_in_a_folder_that_this_user_may_list_but_not_enter_is_named() -> None:
    with reachable():
        written("logs/a.jsonl")
        Path("logs").chmod(0o444)
        with nobody():
            assert "the change log logs/a.jsonl cannot be read: Permission denied" in refusal(
                "logs"
            )
        Path("logs").chmod(0o755)


def test_a_log_under_a_folder_that_this_user_may_not_enter_is_named() -> None:
    with reachable():
        written("logs/b/c.jsonl")
        Path("link").symlink_to("logs/b/c.jsonl")
        Path("logs/b").chmod(0)
        with nobody():
            assert "the change log logs/b/c.jsonl cannot be read: Permission denied" in refusal(
                "logs/b/c.jsonl"
            )
            assert "the change log link cannot be read: Permission denied" in refusal("link")
        Path("logs/b").chmod(0o755)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("", "named by an empty string"),
        ("gone.jsonl", "there is no change log gone.jsonl"),
        ("a.jsonl/b", "the change log a.jsonl/b cannot be read: Not a directory"),
        ("n" * 300, "cannot be read: File name too long"),
        ("a\0b", "cannot be read: embedded null byte"),
        (
            "dangling",
            "there is no change log dangling: it is a link to gone.jsonl, which is not there",
        ),
        ("none", "the folder none holds no change log (.jsonl or .jsonl.gz)"),
    ],
)
def test_an_argument_that_is_not_a_log_is_refused_with_its_reason(argument: str, said: str) -> None:
    written("a.jsonl")
    Path("none").mkdir()
    Path("dangling").symlink_to("gone.jsonl")
    assert said in refusal(argument)


# --- what is left out, and named ------------------------------------------------------


def test_names_that_begin_with_a_dot_are_left_out_of_a_folder_and_named() -> None:
    written(
        "logs/a.jsonl",
        "logs/._a.jsonl",
        "logs/.ipynb_checkpoints/a-checkpoint.jsonl",
        "logs/.git/HEAD",
        "logs/.hidden.txt",
    )
    assert labels("logs") == ["logs/a.jsonl"]
    (note,) = notes("logs", "logs")
    assert note.startswith(
        "not read: logs/._a.jsonl, logs/.ipynb_checkpoints/… (in folders, names that begin with a"
        " dot are left out"
    )


def test_files_that_look_like_logs_but_are_not_taken_are_named() -> None:
    others = [
        "A.JSONL",
        "a.Jsonl.gz",
        "b.ndjson",
        "c.ndjson.gz",
        "d.jsonl.zst",
        "e.jsonl.1",
        "f.jsonl-20261126.gz",
        "g.jsonl~",
        "h.jsonlines",
    ]
    written(
        "logs/a.jsonl",
        *[f"logs/{name}" for name in others],
        "logs/plan.jsonl.meta.json",
        "logs/x.json",
        "logs/x.jsonlx",
    )
    assert labels("logs") == ["logs/a.jsonl"]
    (note,) = notes("logs")
    assert note.startswith(
        f"not read: {', '.join(f'logs/{name}' for name in others)} (change logs in a folder are"
        " called *.jsonl or *.jsonl.gz"
    )


def test_many_of_them_are_counted() -> None:
    written("logs/a.jsonl", *[f"logs/{number:02}.ndjson" for number in range(25)])
    (note,) = notes("logs")
    assert "logs/09.ndjson and 15 more" in note


def test_a_folder_in_which_nothing_is_taken_is_refused_with_what_was_left_out() -> None:
    written("logs/a.ndjson", "logs/.b.jsonl")
    said = refusal("logs")
    assert "the folder logs holds no change log" in said
    assert "logs/a.ndjson" in said
    assert "logs/.b.jsonl" in said


@pytest.mark.parametrize(
    "name", [".hidden.jsonl", "x.ndjson", "A.JSONL", "no ending", ".hidden/a.jsonl"]
)
def test_a_file_that_is_named_outright_is_always_read(name: str) -> None:
    written(name)
    assert (labels(name), notes(name)) == ([name], [])


def test_a_hidden_folder_that_is_named_outright_is_read() -> None:
    written(".hidden/a.jsonl", "logs/a.jsonl")
    os.chdir("logs")
    assert labels("../.hidden", ".") == ["../.hidden/a.jsonl", "a.jsonl"]


# --- what is syncer's own -------------------------------------------------------------


def a_state(folder: str) -> Path:
    """A push's state with what came by stdin."""
    Journal.open(Path(folder), DestinationId("https://example.com", "me", "app"), disk=REAL).close()
    written(f"{folder}/spool/00000000000000000000000000000000.jsonl")
    return Path(folder)


@pytest.mark.parametrize("state", [".syncer", "state", "logs/other-app", "logs/deep/er/st"])
def test_states_are_left_out_wherever_they_are_and_whatever_they_are_called(state: str) -> None:
    written("logs/a.jsonl")
    a_state(state)
    assert (labels("."), notes(".")) == (["logs/a.jsonl"], [])


def test_a_state_of_which_only_the_journal_is_left_is_a_state() -> None:
    written("logs/a.jsonl")
    state = a_state("logs/state")
    (state / "lock").unlink()
    assert labels(".") == ["logs/a.jsonl"]


def test_a_state_without_its_journal_is_a_state() -> None:
    written("logs/a.jsonl")
    state = a_state("logs/state")
    (state / "journal").unlink()
    assert labels(".") == ["logs/a.jsonl"]


def test_a_state_that_is_named_outright_is_refused_with_its_reason() -> None:
    a_state("state")
    assert "state (a state folder of syncer" in refusal("state")


@pytest.mark.parametrize(
    "names",
    [["dead.jsonl"], ["lock", "a.jsonl"], ["journal", "a.jsonl"], ["posted.bits", "a.jsonl"]],
)
def test_a_users_folder_is_not_a_state_by_a_name_alone(names: list[str]) -> None:
    """A log left out in silence would be labels lost in silence."""
    written(*[f"logs/{name}" for name in names])
    assert labels("logs") == [f"logs/{name}" for name in names if name.endswith(".jsonl")]


# --- names ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [".", "./", "logs", "logs/", "./logs//a", "../logs", "/", "/a/b/"])
def test_labels_begin_with_the_folder_as_a_path_would_name_it(path: str) -> None:
    assert tidy(path) == str(Path(path))


def test_a_walk_leaves_the_table_of_the_interpreters_names_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A daemon walks many times a second, for months."""
    written("logs/a.jsonl", "logs/deep/b.jsonl.gz", "logs/.hidden/c.jsonl", "logs/d.ndjson")
    ours = OnDisk(Path(".syncer"))
    list(Walk(ours).logs("logs"))
    walk = Walk(ours)
    seen = noted_names(monkeypatch)
    found = [log.label for log in walk.logs("logs")]
    assert found == ["logs/a.jsonl", "logs/deep/b.jsonl.gz"]
    assert [one.label for one in walk.left_out] == ["logs/.hidden/…", "logs/d.ndjson"]
    assert seen == []

"""What the daemon says in lines."""

from __future__ import annotations

from syncer.core.events import ChangeDied, DestinationChanged, SourceFailed, SourceRecovered
from syncer.core.facts import DeadLetter
from syncer.daemon.reload import Reloaded
from syncer.daemon.telling import Teller


def test_what_goes_on_for_hours_is_said_once_and_so_is_its_end() -> None:
    said: list[str] = []
    teller = Teller(said.append)
    for seconds in (0.5, 1.0, 60.0, 60.0):
        teller.tell_event("prod", SourceFailed("labels", "there is no folder", seconds))
    teller.tell_event("prod", SourceFailed("labels", "the folder cannot be read", 60.0))
    for _ in range(2):
        teller.tell_event("prod", SourceRecovered("labels"))
    assert said == [
        "syncer: lane prod, source labels: there is no folder",
        "syncer: lane prod, source labels: the folder cannot be read",
        "syncer: lane prod, source labels: works again",
    ]


def test_an_outage_of_the_remote_is_told_of_its_lane() -> None:
    said: list[str] = []
    teller = Teller(said.append)
    for until in (10.0, 20.0, 30.0):
        teller.tell_event("prod", DestinationChanged("paused", until, "the remote is out"))
    teller.tell_event("test", DestinationChanged("open", None, ""))
    teller.tell_event("prod", DestinationChanged("open", None, ""))
    assert said == [
        "syncer: lane prod, remote: the remote is out",
        "syncer: lane prod, remote: works again",
    ]


def test_of_the_letters_of_a_code_the_first_one_is_told() -> None:
    said: list[str] = []
    teller = Teller(said.append)
    for line, code in ((1, 40010), (2, 40010), (3, None), (4, 40010)):
        letter = DeadLetter(
            "labels", line, None, "i", None, "is refused", code, 1, "", "", "{}", 1, line
        )
        teller.tell_event("prod", ChangeDied(letter))
    more = "; `syncer dead list` shows it, and more of its code, which are not told here"
    assert said == [
        f"syncer: lane prod: labels:1 is dead: is refused{more}",
        f"syncer: lane prod: labels:3 is dead: is refused{more}",
    ]


def test_a_reload_is_told_with_what_it_changes_and_a_bad_config_with_each_fault() -> None:
    said: list[str] = []
    teller = Teller(said.append)
    teller.tell_reload(Reloaded("unchanged"))
    teller.tell_reload(Reloaded("ok", ("a", "b"), removed=("c",), needs_restart=("daemon.listen",)))
    teller.tell_reload(Reloaded("failed", error="2 errors in the configuration:\n  one\n  two"))
    assert said == [
        "syncer: the config was read again; nothing changed",
        "syncer: the config was read again; restarted: a, b; removed: c;"
        " needs a restart of the daemon: daemon.listen",
        "syncer: the config was not taken, and nothing was changed: 2 errors in the configuration:",
        "  one",
        "  two",
    ]

"""What the daemon says in lines."""

from __future__ import annotations

from syncer.core.events import DestinationChanged, SourceFailed, SourceRecovered
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

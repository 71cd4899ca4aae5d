"""One limiter for each (base URL, credential) of the process, shared by all its lanes."""

from __future__ import annotations

from weakref import WeakValueDictionary

from syncer.core.pace import Pace

_paces: WeakValueDictionary[tuple[str, str], Pace] = WeakValueDictionary()


def shared_pace(base_url: str, credential: str, requests_per_second: float) -> Pace:
    """The pace of all that go to this address with this credential. Of two rates the lower one holds, for as long as both are used."""
    pace = _paces.get((base_url, credential))
    if pace is None:
        pace = _paces[base_url, credential] = Pace(requests_per_second)
    pace.slow_to(requests_per_second)
    return pace

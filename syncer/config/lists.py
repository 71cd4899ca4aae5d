"""The checks of what one table of a list has to do with others: names, apps, lanes.

They read the values as they stand in the file, so that what is wrong here is said
together with what is wrong in each table by itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterator, Mapping

from syncer.config.document import Location
from syncer.config.models import CLARIFAI_URL, DestinationTable
from syncer.core.address import address_fault, normal_address

ONLY_LANE = "clarifai"
"""The name of the lane where no [[destinations]] are: it goes to [clarifai]."""
_Table = Mapping[str, object]


def list_faults(values: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield where and what is wrong between the tables of the lists, once for each."""
    destinations, sources = _tables(values, "destinations"), _tables(values, "sources")
    for name, tables in (("destinations", destinations), ("sources", sources)):
        for number, first in _find_repeated(tables, _name):
            fault = f"is that of {name}[{first}], too: give each a name of its own"
            yield (name, number, "name"), fault
    for number, first in _find_repeated(destinations, _app):
        yield (
            ("destinations", number),
            f"goes to the app of destinations[{first}]: base URL, user and app are the same;"
            " one lane for each app",
        )
    yield from _lane_faults(destinations, sources)


def lane_fault(lane: str, lanes: list[str]) -> str | None:
    """Return why there is not this lane, None where there is. The name is not
    repeated.
    """
    if lane in lanes:
        return None
    close = difflib.get_close_matches(lane.lower(), lanes, n=1)
    if close:
        return f"there is no such lane; did you mean {close[0]}?"
    return f"there is no such lane; known {'is' if len(lanes) == 1 else 'are'} {', '.join(lanes)}"


def _lane_faults(
    destinations: Mapping[int, _Table], sources: Mapping[int, _Table]
) -> Iterator[tuple[Location, str]]:
    lanes = [name for table in destinations.values() if (name := _name(table)) is not None]
    if not destinations:
        lanes = [ONLY_LANE]
    for number, source in sources.items():
        lane = source.get("lane", "")
        if lane == "" and len(destinations) > 1:
            yield (
                ("sources", number, "lane"),
                f"is missing; it must name one of the destinations: {', '.join(lanes)}",
            )
        elif isinstance(lane, str) and lane:
            if lanes and (fault := lane_fault(lane, lanes)) is not None:
                yield ("sources", number, "lane"), fault


def _tables(values: Mapping[str, object], name: str) -> dict[int, _Table]:
    """The tables of a list by their number; other checks find what is none."""
    listed = values.get(name)
    if not isinstance(listed, list):
        return {}
    return {number: table for number, table in enumerate(listed) if isinstance(table, dict)}


def _find_repeated(
    tables: Mapping[int, _Table], key: Callable[[_Table], Hashable | None]
) -> Iterator[tuple[int, int]]:
    """Yield the number of each table whose key an earlier one has, and that one's."""
    first: dict[Hashable, int] = {}
    for number, table in tables.items():
        if (found := key(table)) is not None and first.setdefault(found, number) != number:
            yield number, first[found]


def _name(table: _Table) -> str | None:
    """The name: capital letters count as small ones, as some file systems take them."""
    name = table.get("name")
    return name.lower() if isinstance(name, str) else None


def _app(table: _Table) -> tuple[str, str, str] | None:
    """Return where a destination goes; None where that is not known."""
    fields = DestinationTable.model_fields
    base_url = table.get("base_url", CLARIFAI_URL)
    user_id = table.get("user_id", fields["user_id"].default)
    app_id = table.get("app_id")
    if not (isinstance(base_url, str) and isinstance(user_id, str) and isinstance(app_id, str)):
        return None
    if not app_id or address_fault(base_url) is not None:
        return None
    return normal_address(base_url), user_id, app_id

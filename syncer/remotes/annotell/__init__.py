"""Annotell's and Kognic's annotations: a pure codec of lists and documents. It never
sees the network.

Selection ──listing──► Listing.units ──► Unit.flow ──► rows    (ports: core.ports.pull)
"""

from syncer.remotes.annotell.asks import Asks, neighbours
from syncer.remotes.annotell.delta import ChangeListing, index
from syncer.remotes.annotell.listing import ProjectListing
from syncer.remotes.annotell.names import InputNames
from syncer.remotes.annotell.selection import DocumentSelection, Flavour, listing

__all__ = [
    "Asks",
    "ChangeListing",
    "DocumentSelection",
    "Flavour",
    "InputNames",
    "ProjectListing",
    "index",
    "listing",
    "neighbours",
]

"""A local stand-in for the remote: its own reading of the wire, all in memory.

`async with running(...) as server: server.url`.
"""

from syncer.emulator.profile import read_profile
from syncer.emulator.server import Emulator, running, serve
from syncer.emulator.settings import Settings

__all__ = ["Emulator", "Settings", "read_profile", "running", "serve"]

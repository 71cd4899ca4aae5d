"""The backlog does what a plain list of changes does, whatever is asked of it in
whatever order.
"""

from __future__ import annotations

from tests.models.backlog import BacklogMachine
from tests.models.profile import PROFILE

TestBacklog = BacklogMachine.TestCase
TestBacklog.settings = PROFILE

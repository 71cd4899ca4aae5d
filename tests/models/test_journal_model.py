"""The journal holds what a book of plain dicts holds, through failures and crashes at
any operation on the disk.
"""

from __future__ import annotations

import pytest

from tests.models.journal import JournalMachine
from tests.models.profile import PROFILE

TestJournal = pytest.mark.proof(JournalMachine.TestCase)
TestJournal.settings = PROFILE

"""Times as remotes write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncer.core.moments import moment


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-11-26T12:00:00Z", datetime(2026, 11, 26, 12, tzinfo=UTC)),
        ("2026-11-26t12:00:00z", datetime(2026, 11, 26, 12, tzinfo=UTC)),
        ("2026-11-26T12:00:00.123456789Z", datetime(2026, 11, 26, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-26T12:00:00", datetime(2026, 11, 26, 12, tzinfo=UTC)),
        ("2026-11-26T12:00:00+02:00", datetime(2026, 11, 26, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_utc_and_without_an_offset_is_utc(text: str, means: datetime) -> None:
    assert moment(text) == means


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        None,
        5,
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:00:00-05:00",
    ],
)
def test_what_is_no_time_of_the_years_1_to_9999_is_none(value: object) -> None:
    assert moment(value) is None

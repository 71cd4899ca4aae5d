"""Retry-After in every form: seconds, dates, nothing that can be waited for, several at
a time.
"""

from __future__ import annotations

import pytest

from syncer.core.retry_after import SECONDS_MAX, asked_seconds

TOLD = "Tue, 24 Nov 2026 02:42:38 GMT"
TOLD_AT = 1_795_488_158.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17), (" 17 ", 17), ("0.5", 0.5), ("120.5", 120.5), ("5.", 5), ("007", 7)],
)
def test_seconds_are_taken_as_they_are_written(header: str, seconds: float) -> None:
    assert asked_seconds(header, TOLD, TOLD_AT) == seconds


@pytest.mark.parametrize(
    "header",
    [
        "Tue, 24 Nov 2026 02:42:45 GMT",
        "Tue, 24 Nov 2026 02:42:45 gmt",
        "tue, 24 nov 2026 02:42:45 gmt",
        "Tuesday, 24-Nov-26 02:42:45 GMT",
        "Tue Nov 24 02:42:45 2026",
        "24 Nov 2026 02:42:45 -0000",
        "Tue, 24 Nov 2026 03:42:45 +0100",
    ],
)
def test_a_date_in_any_form_of_http_is_compared_with_the_clock_of_the_remote(header: str) -> None:
    assert asked_seconds(header, TOLD, TOLD_AT + 86400) == 7


@pytest.mark.parametrize("date", [None, "", "then"])
def test_a_date_beside_no_readable_date_header_is_compared_with_the_own_clock(
    date: str | None,
) -> None:
    assert asked_seconds("Tue, 24 Nov 2026 02:42:45 GMT", date, TOLD_AT + 2) == 5


def test_a_date_header_without_a_zone_is_in_utc() -> None:
    assert asked_seconds("Tue, 24 Nov 2026 02:42:45 GMT", "Tue, 24 Nov 2026 02:42:38 -0000", 0) == 7


@pytest.mark.parametrize(
    "header",
    ["0", "0.0", "-3", TOLD, "Tue, 24 Nov 2026 02:42:30 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"],
)
def test_what_is_over_already_is_no_usable_time(header: str) -> None:
    assert asked_seconds(header, TOLD, TOLD_AT) is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        ",",
        "soon",
        "inf",
        "-inf",
        "nan",
        "1e9",
        "1e300",
        "+5",
        "1_0",
        "0x10",
        "١٢",
        ".5",
        "5s",
        "Fri, 99 Foo 2026",
    ],
)
def test_what_is_neither_seconds_nor_a_date_is_no_usable_time(header: str | None) -> None:
    assert asked_seconds(header, TOLD, TOLD_AT) is None


@pytest.mark.parametrize("header", ["99999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_of_ages_is_bounded_so_that_its_end_is_still_a_date(header: str) -> None:
    assert asked_seconds(header, TOLD, TOLD_AT) == SECONDS_MAX


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5, 30", 30),
        ("30,5", 30),
        ("0, 30", 30),
        ("soon, 4", 4),
        ("3, Tue, 24 Nov 2026 02:42:45 GMT", 7),
        (f"{TOLD}, 3", 3),
        ("0, -1", None),
    ],
)
def test_of_several_headers_the_longest_wait_counts(header: str, seconds: float | None) -> None:
    assert asked_seconds(header, TOLD, TOLD_AT) == seconds

"""The table of status codes against the official enum."""

from __future__ import annotations

from clarifai_grpc.grpc.api.status import status_code_pb2

from syncer.remotes.clarifai.codes import CODES, NUMBERS, Meaning, meaning, number

OFFICIAL = dict(status_code_pb2.StatusCode.items())
DOCS_ONLY = {"OPERATION_ALREADY_PROCESSING": 40019}


def test_every_name_is_the_official_one() -> None:
    wrong = {
        name: code
        for name, code in NUMBERS.items()
        if OFFICIAL.get(name) != code and DOCS_ONLY.get(name) != code
    }
    assert wrong == {}


def test_every_official_annotation_connection_and_internal_name_is_known() -> None:
    groups = (
        range(10000, 10060),
        range(11000, 12000),
        range(24150, 24300),
        range(24900, 25000),
        range(41000, 41100),
        range(98000, 100000),
    )
    strangers = {
        name
        for name, code in OFFICIAL.items()
        if any(code in group for group in groups) and number(name) != code
    }
    assert strangers == set()


def test_only_two_codes_are_success_for_a_request_and_only_annotation_codes_are_stored() -> None:
    assert {code for code, (_, what) in CODES.items() if what is Meaning.OK} == {10000, 10070}
    assert {code for code, (_, what) in CODES.items() if what is Meaning.STORED} == {
        24150,
        24151,
        24157,
        24158,
        24159,
        24250,
        24251,
    }


def test_a_code_is_read_as_number_numeric_string_or_name() -> None:
    assert number(11005) == number("11005") == number("CONN_THROTTLED") == 11005


def test_a_code_that_says_nothing_is_zero_and_an_unknown_name_is_none() -> None:
    assert [number(code) for code in (None, 0, "", "0", "ZERO", [])] == [0] * 6
    assert [number(code) for code in ("SOMETHING_NEW", "9" * 5000, "-1", "١٢")] == [None] * 4


def test_an_unknown_code_has_no_meaning_but_internal_ones_of_tomorrow_are_in_doubt() -> None:
    assert meaning(77777) is None
    assert meaning(None) is None
    assert meaning(98999) is Meaning.UNKNOWN

"""What users hand over beside the config: the emulator's faults, credentials in files
and in the environment.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.config.credentials import ClientPlace, TokenPlace
from syncer.emulator.settings import EVERY_SWITCH, FAULTS, behaviour
from syncer.errors import UsageError
from tests.fuzz.outside import FUZZED, dumped, mangled, trees

PART = st.builds(
    "{}{}{}".format,
    st.sampled_from([*FAULTS, *EVERY_SWITCH, "", "thrttle", " reset-after "]),
    st.sampled_from(["=", "", "=="]),
    st.sampled_from(
        [
            "0.5",
            "1",
            "0",
            "-1",
            "2",
            "nan",
            "inf",
            "1e999",
            "",
            "0x1",
            "１",
            *sorted({v for vs in EVERY_SWITCH.values() for v in vs}),
        ]
    ),
)
SPEC = st.lists(PART | st.text(max_size=8), max_size=5).map(",".join)


@FUZZED
@given(SPEC)
def test_any_faults_are_probabilities_and_known_switches_or_told(spec: str) -> None:
    with suppress(UsageError):
        found = behaviour(spec)
        assert all(0.0 <= probability <= 1.0 for probability in found.faults.values())
        assert found.faults.keys() <= set(FAULTS)
        assert {
            name: value for name, value in found.switches.items() if value not in EVERY_SWITCH[name]
        } == {}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for all examples."""
    return tmp_path_factory.mktemp("credentials") / "file"


CLIENT = b'{"clientId":"c-1","clientSecret":"s3cret","email":"x","userId":1,"issuer":"y"}'


@FUZZED
@given(
    st.just(CLIENT).flatmap(mangled)
    | trees("clientId", "clientSecret").map(dumped)
    | st.builds(
        lambda text: dumped({"clientId": text, "clientSecret": text}),
        st.text(max_size=4) | st.just("\ud800"),
    )
    | st.binary(max_size=30)
)
def test_any_file_of_credentials_is_a_client_that_can_be_sent_or_told_without_its_secret(
    file: Path, content: bytes
) -> None:
    file.write_bytes(content)
    try:
        client = ClientPlace("credentials", file).read()
    except UsageError as error:
        said = str(error)
    else:
        said = repr(client)
        assert (client.client_id + client.client_secret).encode()
        assert client.client_id
        assert client.client_secret
    assert "s3cret" not in said


@FUZZED
@given(st.text(max_size=4) | st.just("\udcff"), st.text(max_size=4) | st.just("\udcff"))
def test_any_client_of_the_environment_can_be_sent_or_is_told(
    client_id: str, client_secret: str
) -> None:
    with suppress(UsageError):
        client = ClientPlace("environment", None, client_id, client_secret).read()
        assert (client.client_id + client.client_secret).encode()


@FUZZED
@given(
    st.binary(max_size=20) | st.sampled_from([b"t\n", b"\xef\xbb\xbft", b"t t", "é".encode(), b""])
)
def test_any_file_of_a_token_is_one_word_for_a_header_or_told(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with suppress(UsageError):
        token = TokenPlace("config", None, file).read()
        assert token.isascii()
        assert token.isprintable()
        assert " " not in token

"""Annotell's and Kognic's credentials and addresses, as their own clients know them."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest

from syncer.config import load
from syncer.errors import UsageError

SECRET = "s3cret-of-the-client"
FLAVOURS = {"annotell": "ANNOTELL", "kognic": "KOGNIC"}


def credentials_file(
    folder: Path, name: str = "credentials.json", client_id: str = "id-of-the-file"
) -> Path:
    """A file as the service gives it out."""
    path = folder / name
    path.write_text(
        json.dumps(
            {
                "clientId": client_id,
                "clientSecret": SECRET,
                "email": "a@b.c",
                "userId": 7,
                "issuer": "auth",
            }
        )
    )
    return path


def client_id(
    environment: dict[str, str], options: dict[str, object], file: Path | None = None
) -> tuple[str, str] | None:
    """Who signs in, and who says so."""
    credentials = load(file, environment, options).annotell_credentials()
    return None if credentials is None else (credentials.client_id, credentials.origin)


@pytest.mark.parametrize(("flavour", "prefix"), FLAVOURS.items())
def test_the_credentials_of_each_flavour_come_from_its_own_variables_in_its_clients_order(
    tmp_path: Path, flavour: str, prefix: str
) -> None:
    """A file, else id and secret; the other flavour's are not sent to this one."""
    options: dict[str, object] = {"annotell.flavour": flavour}
    environment = {f"{prefix}_CLIENT_ID": "id", f"{prefix}_CLIENT_SECRET": SECRET}
    assert client_id(environment, options) == (
        "id",
        f"{prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET",
    )
    environment[f"{prefix}_CREDENTIALS"] = str(credentials_file(tmp_path))
    assert client_id(environment, options) == ("id-of-the-file", f"{prefix}_CREDENTIALS")
    other = next(name for name in FLAVOURS if name != flavour)
    assert client_id(environment, {"annotell.flavour": other}) is None


def test_a_file_named_for_syncer_beats_the_variables_which_beat_the_config_file(
    tmp_path: Path,
) -> None:
    """The same order as for every other key."""
    config = tmp_path / "syncer.toml"
    config.write_text(
        f'[annotell]\n\ncredentials = "{credentials_file(tmp_path, "a.json", "of-the-config")}"\n'
    )
    named = str(credentials_file(tmp_path, "b.json", "of-the-option"))
    environment = {"ANNOTELL_CLIENT_ID": "id", "ANNOTELL_CLIENT_SECRET": SECRET}
    assert client_id({}, {}, config) == ("of-the-config", f"{config}:3")
    assert client_id(environment, {}, config) == (
        "id",
        "ANNOTELL_CLIENT_ID and ANNOTELL_CLIENT_SECRET",
    )
    assert client_id({**environment, "SYNCER_ANNOTELL_CREDENTIALS": named}, {}, config) == (
        "of-the-option",
        "SYNCER_ANNOTELL_CREDENTIALS",
    )
    assert client_id(environment, {"annotell.credentials": named}, config) == (
        "of-the-option",
        "option --credentials",
    )


def test_a_credentials_file_is_found_from_home(tmp_path: Path) -> None:
    """In the config and in the variable alike."""
    credentials_file(tmp_path)
    home = {"HOME": str(tmp_path)}
    assert client_id(home, {"annotell.credentials": "~/credentials.json"}) == (
        "id-of-the-file",
        "option --credentials",
    )
    assert client_id({**home, "ANNOTELL_CREDENTIALS": "~/credentials.json"}, {}) == (
        "id-of-the-file",
        "ANNOTELL_CREDENTIALS",
    )


def test_without_any_there_are_none() -> None:
    """It is for the pull to say so."""
    assert load(None, {}, {}).annotell_credentials() is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff", "it is not text"),
        (b"[]", 'has no "clientId" and "clientSecret"'),
        (json.dumps({"clientId": "a"}).encode(), 'has no "clientId" and "clientSecret"'),
        (
            json.dumps({"clientId": "a", "clientSecret": 7}).encode(),
            'has no "clientId" and "clientSecret"',
        ),
        (
            json.dumps({"client_id": "a", "client_secret": SECRET}).encode(),
            'has no "clientId" and "clientSecret"',
        ),
        (f'{{"clientSecret": "{SECRET}", '.encode(), "is not JSON"),
    ],
)
def test_a_credentials_file_that_cannot_be_used_is_an_error_that_names_who_named_it(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """Not what is in it."""
    file = tmp_path / "credentials.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        load(None, {"ANNOTELL_CREDENTIALS": str(file)}, {}).annotell_credentials()
    assert str(raised.value).startswith("ANNOTELL_CREDENTIALS: the file with the credentials ")
    assert said in str(raised.value)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_half_of_a_pair_is_an_error_that_names_both() -> None:
    """An id alone signs nobody in."""
    with pytest.raises(
        UsageError, match="KOGNIC_CLIENT_ID and KOGNIC_CLIENT_SECRET: only one of the two is set"
    ):
        load(
            None, {"KOGNIC_CLIENT_SECRET": SECRET}, {"annotell.flavour": "kognic"}
        ).annotell_credentials()


def test_a_secret_in_place_of_a_files_name_is_not_repeated() -> None:
    """It would end up in a log."""
    with pytest.raises(UsageError) as raised:
        load(None, {"ANNOTELL_CREDENTIALS": SECRET}, {}).annotell_credentials()
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_the_secret_is_not_in_what_is_shown(tmp_path: Path) -> None:
    """Of the config, and of the credentials themselves."""
    for environment in (
        {"ANNOTELL_CLIENT_ID": "id", "ANNOTELL_CLIENT_SECRET": SECRET},
        {"ANNOTELL_CREDENTIALS": str(credentials_file(tmp_path))},
    ):
        loaded = load(None, environment, {})
        credentials = loaded.annotell_credentials()
        assert credentials is not None
        assert credentials.client_secret == SECRET
        assert SECRET not in f"{loaded!r} {loaded.origins} {credentials!r} {credentials}"


def test_kognic_has_hosts_of_its_own_unless_a_key_says_otherwise(tmp_path: Path) -> None:
    """Whichever place names the flavour, and whichever names a host."""
    kognic = load(None, {"SYNCER_ANNOTELL_FLAVOUR": "kognic"}, {})
    assert kognic.config.annotell.base_url == "https://input.app.kognic.com"
    assert kognic.config.annotell.auth_url == "https://auth.app.kognic.com"
    assert kognic.origins["annotell.base_url"] == "default"
    config = tmp_path / "syncer.toml"
    config.write_text('[annotell]\nbase_url = "http://127.0.0.1:1"\n')
    mixed = load(config, {}, {"annotell.flavour": "kognic"}).config.annotell
    assert (mixed.base_url, mixed.auth_url) == ("http://127.0.0.1:1", "https://auth.app.kognic.com")

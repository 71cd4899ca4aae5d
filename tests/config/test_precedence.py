"""Who wins where several places set a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import Config, load, load_from_environment
from syncer.config.load import find_config_file
from syncer.config.models import SECTIONS

OFFICIAL = """
current_context: work
contexts:
  home:
    CLARIFAI_PAT: home-token
  work:
    CLARIFAI_PAT: official-file-token
    CLARIFAI_USER_ID: 00123
    CLARIFAI_APP_ID: official-file-app
    CLARIFAI_API_BASE: api.example.test
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with the official client's file in it."""
    file = tmp_path / "home" / ".config" / "clarifai" / "config"
    file.parent.mkdir(parents=True)
    file.write_text(OFFICIAL)
    return tmp_path / "home"


def toml(folder: Path, text: str) -> Path:
    """A config file."""
    path = folder / "syncer.toml"
    path.write_text(text)
    return path


def test_without_anything_every_value_is_the_default() -> None:
    """And says so."""
    loaded = load(None, {}, {})
    keys = {
        f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields
    } | {"destinations", "sources"}
    assert Config() == loaded.config
    assert dict.fromkeys(keys, "default") == loaded.origins
    assert loaded.token() is None


def test_each_place_beats_those_below_it(tmp_path: Path, home: Path) -> None:
    """Option, SYNCER_*, CLARIFAI_*, config file, official file, default: taken away one
    by one from the top.
    """
    path = toml(tmp_path, '[clarifai]\napp_id = "file-app"\n')
    official_file = f"{home}/.config/clarifai/config (context work)"
    environment = {
        "HOME": str(home),
        "CLARIFAI_APP_ID": "official-app",
        "SYNCER_CLARIFAI_APP_ID": "own-app",
    }

    def app(file: Path | None, options: dict[str, object]) -> tuple[str, str]:
        loaded = load(file, environment, options)
        return loaded.config.clarifai.app_id, loaded.origins["clarifai.app_id"]

    assert ("option-app", "option --app-id") == app(path, {"clarifai.app_id": "option-app"})
    assert ("own-app", "SYNCER_CLARIFAI_APP_ID") == app(path, {})
    del environment["SYNCER_CLARIFAI_APP_ID"]
    assert ("official-app", "CLARIFAI_APP_ID") == app(path, {})
    del environment["CLARIFAI_APP_ID"]
    assert ("file-app", f"{path}:2") == app(path, {})
    assert ("official-file-app", official_file) == app(None, {})
    del environment["HOME"]
    assert ("", "default") == app(None, {})


def test_the_official_file_gives_the_values_of_its_current_context_as_they_are_written(
    home: Path,
) -> None:
    """An id of digits keeps its zeros; an address without scheme means https, as in the
    official clients.
    """
    loaded = load(None, {"HOME": str(home)}, {})
    assert ("00123", "https://api.example.test") == (
        loaded.config.clarifai.user_id,
        loaded.config.clarifai.base_url,
    )
    assert loaded.token() == "official-file-token"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a list",
        "contexts: [1]",
        "current_context: gone\ncontexts: {work: {CLARIFAI_PAT: x}}",
        "current_context: work\ncontexts: {work: {CLARIFAI_PAT: ENVVAR}}",
        "current_context: [work]\ncontexts: {work: {CLARIFAI_PAT: {a: b}}}",
    ],
)
def test_an_official_file_that_tells_nothing_is_as_good_as_none(home: Path, text: str) -> None:
    """ENVVAR sends us to the environment, which is asked anyway."""
    (home / ".config/clarifai/config").write_text(text)
    assert load(None, {"HOME": str(home)}, {}).token() is None
    assert (
        load(None, {"HOME": str(home), "CLARIFAI_PAT": "of-the-environment"}, {}).token()
        == "of-the-environment"
    )


def test_variables_are_read_as_what_their_keys_take() -> None:
    """Numbers, words and "auto" alike."""
    environment = {
        "SYNCER_PUSH_REQUESTS_PER_SECOND": "auto",
        "SYNCER_PUSH_CONCURRENCY": "4",
        "SYNCER_RETRY_BASE_SECONDS": "0.25",
        "SYNCER_CLARIFAI_USER_ID": "123",
    }
    config = load(None, environment, {}).config
    assert ("auto", 4, 0.25, "123") == (
        config.push.requests_per_second,
        config.push.concurrency,
        config.retry.base_seconds,
        config.clarifai.user_id,
    )


def test_options_are_read_whether_they_come_as_numbers_or_as_text() -> None:
    """The command line gives both."""
    for value in (15, 15.0, "15"):
        assert (
            load(None, {}, {"push.requests_per_second": value}).config.push.requests_per_second
            == 15
        )


def test_an_empty_variable_counts_as_not_set() -> None:
    """Containers are often started with empty ones."""
    environment = {"SYNCER_PUSH_BATCH_SIZE": "", "CLARIFAI_USER_ID": "", "CLARIFAI_PAT": ""}
    loaded = load(None, environment, {})
    assert Config() == loaded.config
    assert loaded.token() is None


def test_the_trailing_slash_of_an_address_is_taken_off() -> None:
    """One destination, one spelling: the state folder knows it by this address."""
    assert (
        load(None, {}, {"clarifai.base_url": "http://127.0.0.1:80/"}).config.clarifai.base_url
        == "http://127.0.0.1:80"
    )


def test_the_config_file_is_looked_for_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$SYNCER_CONFIG, ./syncer.toml, $XDG_CONFIG_HOME/syncer/config.toml, the same
    below HOME.
    """
    monkeypatch.chdir(tmp_path)
    environment = {
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "SYNCER_CONFIG": "named.toml",
    }
    for folder in ("home/.config/syncer", "xdg/syncer"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.toml").touch()
    toml(tmp_path, "")
    assert Path("named.toml") == find_config_file(environment)
    del environment["SYNCER_CONFIG"]
    assert Path("syncer.toml") == find_config_file(environment)
    Path("syncer.toml").unlink()
    assert tmp_path / "xdg/syncer/config.toml" == find_config_file(environment)
    del environment["XDG_CONFIG_HOME"]
    assert tmp_path / "home/.config/syncer/config.toml" == find_config_file(environment)
    assert find_config_file({}) is None


def test_the_process_environment_is_used_by_the_command_line_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`load` takes what it is given and looks for nothing, so that a demo is the same
    everywhere.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SYNCER_CONFIG", raising=False)
    toml(tmp_path, "[push]\nbatch_size = 7\n")
    assert load_from_environment(None, {}).config.push.batch_size == 7
    assert load(None, {}, {}).config.push.batch_size == 128


@pytest.mark.parametrize("remote", ["clarifai", "annotell"])
def test_authorities_come_from_the_ca_file_else_from_the_variables_in_the_order_of_the_docs(
    tmp_path: Path, remote: str
) -> None:
    path = toml(tmp_path, f'[{remote}]\nca_file = "own.pem"\n')
    own = ("CLARIFAI_ROOT_CERTIFICATES_PATH",) if remote == "clarifai" else ()
    names = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", *own]
    environment = {name: f"{name}.pem" for name in names}

    def authority(file: Path | None) -> str:
        return str(getattr(load(file, environment, {}).config, remote).ca_file)

    assert authority(path) == "own.pem"
    for name in names:
        assert authority(None) == f"{name}.pem"
        del environment[name]
    assert authority(None) == ""

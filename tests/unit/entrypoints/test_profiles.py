"""The address and the key of client commands: options, profiles, the environment, `.env`."""

import os
from pathlib import Path

import pytest

from domain.errors import StartupError
from domain.secrets import Secret
from entrypoints.config.client import ClientOptions, load_client_settings

PROFILES = """
[profiles.default]
url = "https://default.example"
key = "default-key"

[profiles.prod]
url = "https://prod.example"
key = "prod-key"

[profiles.lan]
url = "http://10.0.0.7:8000"
allow_http = true
"""


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The path of `config.toml`, which does not exist yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = tmp_path / "config" / "pgvend" / "config.toml"
    file.parent.mkdir(parents=True)
    return file


@pytest.fixture
def profiles(config: Path) -> Path:
    return write(config, PROFILES)


def write(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def load(
    url: str | None = None, key: str | None = None, profile: str | None = None
) -> tuple[str, str]:
    settings = load_client_settings(ClientOptions(url, Secret(key) if key else None, profile))
    return settings.address, settings.key.reveal() if settings.key else ""


def refuse(profile: str | None = None) -> str:
    with pytest.raises(StartupError) as refused:
        load(profile=profile)
    assert "-key" not in str(refused.value)
    return str(refused.value)


@pytest.mark.usefixtures("profiles")
def test_the_first_place_that_sets_a_value_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load() == ("https://default.example", "default-key")
    Path(".env").write_text("PGVEND_URL=https://file.example\nPGVEND_KEY=file\n")
    assert load() == ("https://file.example", "file")
    monkeypatch.setenv("PGVEND_URL", "https://env.example")
    monkeypatch.setenv("PGVEND_KEY", "env")
    assert load() == ("https://env.example", "env")
    monkeypatch.setenv("PGVEND_PROFILE", "prod")
    assert load() == ("https://env.example", "env"), "an address is more exact than a profile"
    assert load(profile="prod") == ("https://prod.example", "prod-key")
    assert load("https://option.example", "option", "prod") == ("https://option.example", "option")


@pytest.mark.usefixtures("profiles")
def test_a_variable_chooses_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PGVEND_URL=https://file.example\n")
    monkeypatch.setenv("PGVEND_PROFILE", "prod")
    assert load() == ("https://prod.example", "prod-key")


@pytest.mark.usefixtures("profiles")
def test_a_key_of_a_profile_is_sent_to_its_own_address_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load("https://other.example") == ("https://other.example", "")
    assert load("https://other.example", profile="prod") == ("https://other.example", "")
    assert load("https://prod.example", profile="prod") == ("https://prod.example", "prod-key")
    Path(".env").write_text("PGVEND_URL=https://attacker.example\n")
    assert load() == ("https://attacker.example", "")
    Path(".env").write_text("PORT=9001\n")
    assert load() == ("http://127.0.0.1:9001", "")
    monkeypatch.setenv("PGVEND_URL", "https://env.example")
    assert load() == ("https://env.example", "")


@pytest.mark.usefixtures("profiles")
def test_a_file_in_the_folder_cannot_choose_a_profile_with_a_key() -> None:
    Path(".env").write_text("PGVEND_PROFILE=prod\n")
    assert refuse().startswith("PGVEND_PROFILE: from .env, while PGVEND_KEY is")
    Path(".env").write_text("PGVEND_PROFILE=lan\n")
    assert load() == ("http://10.0.0.7:8000", "")
    Path(".env").write_text("PGVEND_ALLOW_HTTP=on\n")
    assert refuse().startswith("PGVEND_ALLOW_HTTP: from .env, while PGVEND_KEY is")


@pytest.mark.usefixtures("profiles")
def test_an_option_is_not_sent_to_an_address_in_the_folder() -> None:
    Path(".env").write_text("PGVEND_URL=https://attacker.example\n")
    with pytest.raises(StartupError, match=r"^PGVEND_URL: from \.env"):
        load(key="option")
    Path(".env").write_text("PORT=9001\n")
    with pytest.raises(StartupError, match=r"^PORT: from \.env"):
        load(key="option")


def test_a_key_of_the_environment_completes_a_profile(
    monkeypatch: pytest.MonkeyPatch, profiles: Path
) -> None:
    monkeypatch.setenv("PGVEND_KEY", "env")
    assert load(profile="lan") == ("http://10.0.0.7:8000", "env")
    assert load(profile="prod") == ("https://prod.example", "prod-key")
    assert load() == ("https://default.example", "env")


@pytest.mark.parametrize("source", ["file", "environment"])
def test_the_port_of_the_service_is_used(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    if source == "file":
        Path(".env").write_text("PORT=9001\n")
    else:
        monkeypatch.setenv("PORT", "9001")
    assert load() == ("http://127.0.0.1:9001", "")
    assert load("https://option.example") == ("https://option.example", "")


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "\u0668"])
def test_an_invalid_port_is_reported(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(StartupError, match=r"^PORT: .*Set PGVEND_URL"):
        load()


def test_a_key_can_be_in_its_own_file(config: Path, tmp_path: Path) -> None:
    write(config, '[profiles.default]\nurl = "https://a.example"\nkey_file = "own.key"\n', 0o644)
    write(config.parent / "own.key", "the-secret\n")
    assert load() == ("https://a.example", "the-secret")
    write(config.parent / "own.key", "the-secret\n", 0o640)
    assert "chmod 600" in refuse()
    (config.parent / "own.key").unlink()
    assert "key_file" in refuse()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o602])
def test_a_file_with_a_key_that_others_can_open_is_refused(profiles: Path, mode: int) -> None:
    profiles.chmod(mode)
    assert f"chmod 600 {profiles}" in refuse()
    assert load(profile="lan") == ("http://10.0.0.7:8000", "")


MISTAKES = {
    "no TOML": ("[profiles", "is not TOML"),
    "another table": ("[profile.default]\n", "use [profiles.NAME]"),
    "no tables": ("profiles = 1\n", "use [profiles.NAME]"),
    "no table": ("[profiles]\ndefault = 1\n", "[profiles.default] is not a table"),
    "an unknown member": ('[profiles.default]\nurl="https://a.example"\nkeys="a"\n', "keys is not"),
    "another type": ("[profiles.default]\nurl = 1\n", "url is not valid"),
    "no address": ("[profiles.default]\n", "url is missing"),
    "two keys": (
        '[profiles.default]\nurl="https://a.example"\nkey="a"\nkey_file="b"\n',
        "both set",
    ),
    "an invalid address": ('[profiles.default]\nurl="x"\n', "profile default: not the URL"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_file_is_reported(config: Path, name: str) -> None:
    text, problem = MISTAKES[name]
    write(config, text)
    assert problem in refuse()


def test_an_unknown_profile_is_reported_with_the_known_ones(profiles: Path) -> None:
    assert "(there: default, lan, prod)" in refuse("none")
    profiles.unlink()
    assert "(there: none)" in refuse("none")
    assert load() == ("http://127.0.0.1:8000", "")


def test_a_file_that_cannot_be_read_is_reported(config: Path) -> None:
    os.symlink(config, config)
    assert "cannot be read" in refuse()
    config.unlink()
    config.write_bytes(b"\xff")
    assert "cannot be read" in refuse()

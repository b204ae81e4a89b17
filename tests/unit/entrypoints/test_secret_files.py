"""Secrets from files that variables of the environment name."""

from pathlib import Path

import pytest

from domain.errors import StartupError
from entrypoints.config.client import load_client_settings
from entrypoints.config.loading import find_ignored_variables
from entrypoints.config.secret_files import FILE_VARIABLES, MAX_BYTES
from entrypoints.config.settings import Settings
from tests.unit.entrypoints.conftest import NEON_VARIABLES, Environment

KEY = "9xQwErTyUiOpAsDfGhJkLzXc"
SECRET = KEY * 2
DSN = f"postgresql://admin:{KEY}@db.example:5432/postgres"

VALUES = {
    "NEON_API_KEY": f"napi_{KEY}",
    "PGVEND_ADMIN_KEY": KEY,
    "PGVEND_API_KEYS": f"web={KEY}",
    "PGVEND_POSTGRES_ADMIN_DSN": DSN,
    "PGVEND_REGISTRY_URL": DSN,
    "PGVEND_SECRET": SECRET,
    "PGVEND_SECRET_PREVIOUS": f"{SECRET},{KEY * 3}",
}
OTHERS = {
    "NEON_API_KEY": {k: v for k, v in NEON_VARIABLES.items() if k != "NEON_API_KEY"},
    "PGVEND_POSTGRES_ADMIN_DSN": {"PGVEND_PROVIDER": "postgres"},
    "PGVEND_REGISTRY_URL": {"PGVEND_SECRET": SECRET},
}
"""What a secret is set together with."""


def write(content: str | bytes) -> str:
    """Write the file of a secret, and return its path."""
    file = Path("file-of-a-secret")
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file.absolute())


def test_every_secret_of_the_service_and_the_clients_has_a_file_variable() -> None:
    assert {*VALUES, "PGVEND_KEY"} == set(FILE_VARIABLES.values())


@pytest.mark.parametrize("secret", VALUES)
def test_a_secret_from_a_file_is_the_same_setting(
    env: Environment, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    env.set(**OTHERS.get(secret, {}))
    from_file = env.load(**{f"{secret}_FILE": write(VALUES[secret])})
    monkeypatch.delenv(f"{secret}_FILE")
    assert from_file == env.load(**{secret: VALUES[secret]}) != Settings()
    assert find_ignored_variables() == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_line_ends_after_the_secret_are_not_part_of_it(env: Environment, end: str) -> None:
    key = env.load(PGVEND_ADMIN_KEY_FILE=write(KEY + end)).admin_key
    assert key
    assert key.get_secret_value() == KEY


def test_the_clients_read_their_key_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGVEND_KEY_FILE", write(f"{KEY}\n"))
    monkeypatch.setenv("PGVEND_SECRET_FILE", "/of/the/service")
    key = load_client_settings().key
    assert key
    assert key.reveal() == KEY


def test_the_clients_refuse_a_file_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGVEND_KEY_FILE", "missing")
    with pytest.raises(StartupError, match=r"^PGVEND_KEY_FILE: missing cannot be read"):
        load_client_settings()


def test_a_secret_and_its_file_are_refused_together(env: Environment) -> None:
    mistake = env.mistake(PGVEND_SECRET=SECRET, PGVEND_SECRET_FILE=write(SECRET))
    assert mistake == "PGVEND_SECRET_FILE: PGVEND_SECRET is set too. Remove one of them."


def test_the_env_file_cannot_name_a_file(env: Environment) -> None:
    Path(".env").write_text(f"PGVEND_ADMIN_KEY_FILE={write(KEY)}\n")
    assert env.mistake() == (
        "PGVEND_ADMIN_KEY_FILE: from .env, which must not choose a file to read. Set "
        "PGVEND_ADMIN_KEY_FILE in the environment, or PGVEND_ADMIN_KEY in .env."
    )


def test_an_address_in_the_env_file_with_a_secret_from_a_file_is_refused(
    env: Environment,
) -> None:
    Path(".env").write_text("PORT=9001\n")
    mistake = env.mistake(PGVEND_ADMIN_KEY_FILE=write(KEY))
    assert mistake.startswith("PORT: from .env, while PGVEND_ADMIN_KEY is from the environment")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty."),
        ("\n", "is empty."),
        ("k" * (MAX_BYTES + 1), "is longer than 64 KiB."),
        (b"\xff\xfe", "is not text."),
    ],
)
def test_a_file_without_a_secret_is_refused(
    env: Environment, content: str | bytes, problem: str
) -> None:
    file = write(content)
    mistake = env.mistake(PGVEND_ADMIN_KEY_FILE=file)
    assert mistake.startswith(f"PGVEND_ADMIN_KEY_FILE: {file} {problem} ")
    assert "PGVEND_ADMIN_KEY" in mistake.partition(problem)[2]


@pytest.mark.parametrize(
    ("file", "reason"),
    [("missing", "No such file or directory"), (".", "Is a directory")],
)
def test_a_file_that_cannot_be_read_is_refused(env: Environment, file: str, reason: str) -> None:
    assert env.mistake(PGVEND_SECRET_FILE=file) == (
        f"PGVEND_SECRET_FILE: {file} cannot be read ({reason}). Set it to the file that holds "
        "PGVEND_SECRET."
    )


def test_an_error_about_a_secret_names_its_file_variable_and_not_the_secret(
    env: Environment,
) -> None:
    mistake = env.mistake(PGVEND_ADMIN_KEY_FILE=write("too-short"))
    assert mistake.startswith("PGVEND_ADMIN_KEY, from PGVEND_ADMIN_KEY_FILE: ")
    assert "too-short" not in mistake


def test_a_misspelled_file_variable_is_refused(env: Environment) -> None:
    mistake = env.mistake(PGVEND_SECRETS_FILE="any")
    assert mistake == "PGVEND_SECRETS_FILE: not a setting. Use PGVEND_SECRET_FILE, or remove it."


def test_an_empty_file_variable_counts_as_not_set(env: Environment) -> None:
    assert env.load(PGVEND_ADMIN_KEY_FILE="").is_open

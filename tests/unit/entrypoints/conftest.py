"""Fixtures for settings: an environment and a current folder without any."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import StartupError
from entrypoints.config.loading import load_settings
from entrypoints.config.settings import Settings
from tests.support.settings import NAMES

NEON_VARIABLES = {
    "NEON_PROJECT_ID": "shiny-wind-12345678",
    "NEON_HOST": "ep-cool-sun-12345678.c-2.eu-central-1.aws.neon.tech",
    "NEON_API_KEY": "napi_hunter2",
    "NEON_BRANCH_ID": "br-quiet-sea-12345678",
}
"""The variables of the original service, which are enough for Neon."""

FIXES = {
    "NEON_PROJECT_ID": "Set it to the project's id, such as shiny-wind-12345678.",
    "NEON_HOST": "Set it to the host name of the branch's compute alone",
    "NEON_API_KEY": "Set it to an API key from Neon's console",
    "NEON_BRANCH_ID": "Set it to the branch's id, such as br-quiet-sea-12345678.",
    "NEON_API_URL": "Set it to https://console.neon.tech/api/v2, or an emulator's address.",
}


class Environment:
    """Sets variables and loads the settings."""

    def __init__(self, set_one: Callable[[str, str], None]) -> None:
        self._set_one = set_one

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._set_one(name, value)

    def load(self, **variables: str) -> Settings:
        self.set(**variables)
        return load_settings()

    def mistakes(self, **variables: str) -> list[str]:
        """Return a line for each invalid setting."""
        with pytest.raises(StartupError) as caught:
            self.load(**variables)
        heading, *lines = str(caught.value).splitlines()
        assert heading == "The settings are invalid:"
        return [line.strip() for line in lines]

    def mistake(self, **variables: str) -> str:
        (line,) = self.mistakes(**variables)
        return line


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.upper() in NAMES or name.upper().startswith("PGVEND_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-profiles"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(monkeypatch.setenv)


def names_in(lines: list[str]) -> list[str]:
    return [line.split(":")[0] for line in lines]

"""Settings come from the environment and the current folder: tests begin with neither."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoints.settings import ClientSettings, Settings

Set = Callable[..., None]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fields = (*Settings.model_fields.values(), *ClientSettings.model_fields.values())
    known = {str(field.validation_alias) for field in fields}
    for name in os.environ:
        if name.upper() in known or name.upper().startswith("PGVEND_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Sets variables: `environment(PORT="1")`."""

    def setting(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return setting

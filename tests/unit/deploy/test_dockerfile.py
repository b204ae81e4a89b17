"""The Dockerfile agrees with the package that it installs and with the settings of the service."""

import re
import tomllib
from pathlib import Path

import pytest

from entrypoints.config.settings import Settings
from tests.support.service import REPOSITORY
from tests.unit.entrypoints.conftest import NEON_VARIABLES

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

CONTINUED = re.compile(r"\\\n\s*")

POSTGRES = {
    "PGVEND_PROVIDER": "postgres",
    "PGVEND_POSTGRES_ADMIN_DSN": "postgresql://pgvend:password@db.example/postgres",
}

GENERAL = {"PATH", "LANG", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def instructions(name: str) -> list[str]:
    """Return the arguments of each instruction of that name."""
    lines = CONTINUED.sub("", DOCKERFILE).splitlines()
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


def environment() -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", instructions("ENV")[0]))


def test_the_image_has_the_version_of_the_package() -> None:
    (label,) = instructions("LABEL")
    assert f'image.version="{PROJECT["project"]["version"]}"' in label
    assert f'image.description="{PROJECT["project"]["description"]}"' in label


def test_the_context_of_the_build_is_the_package_and_its_locks_alone() -> None:
    packages = {
        name.removesuffix("*")
        for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    }
    patterns = (REPOSITORY / ".dockerignore").read_text().split()
    included = {pattern[1:] for pattern in patterns if pattern.startswith("!")}

    assert patterns[0] == "*"
    assert included == packages | {"requirements", "pyproject.toml", "README.md"}


def test_extras_are_those_of_the_package_and_have_locks() -> None:
    (extras,) = [each for each in instructions("ARG") if each.startswith("EXTRAS=")]
    names = set(extras.removeprefix("EXTRAS=").strip('"').split())
    assert names == set(PROJECT["project"]["optional-dependencies"])
    assert all(Path(REPOSITORY, "requirements", f"{name}.txt").exists() for name in names)


@pytest.mark.parametrize("provider", [{}, POSTGRES, NEON_VARIABLES], ids=["embedded", "pg", "neon"])
def test_its_variables_are_settings_and_valid_with_each_provider(provider: dict[str, str]) -> None:
    own = {name: value for name, value in environment().items() if name not in GENERAL}
    settings = Settings.model_validate({**own, **provider})
    exposed = instructions("EXPOSE")[0].split()

    assert own.keys() <= {field.validation_alias for field in Settings.model_fields.values()}
    assert exposed == [str(settings.port), str(settings.embedded_port)]
    assert str(settings.data_dir) == instructions("VOLUME")[0]


def test_it_runs_as_a_user_with_a_number_and_a_name() -> None:
    (user,) = instructions("USER")
    uid = user.split(":")[0]
    assert uid.isdigit(), "Kubernetes compares only numbers with runAsNonRoot"
    assert any(f"--uid {uid} " in run for run in instructions("RUN")), "PostgreSQL needs its name"

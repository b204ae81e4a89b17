"""The doctor check of exports."""

from pathlib import Path

from entrypoints.doctor.exports import ExportChecks
from tests.support.doctor import FAIL, OK, collect_outcomes
from tests.unit.entrypoints.conftest import Environment


async def test_without_a_folder_nothing_is_checked(env: Environment) -> None:
    assert await collect_outcomes(ExportChecks(env.load())) == {}


async def test_a_usable_folder_is_named_with_the_program(env: Environment, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    for name, version in {"pg_dump": 99, "initdb": 99, "postgres": 99}.items():
        file = program.with_name(name)
        file.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}.1'\n")
        file.chmod(0o755)
    settings = env.load(
        PGVEND_EXPORT_DIR=str(tmp_path / "new" / "exports"),
        PGVEND_EMBEDDED_PROGRAMS=str(program.parent),
    )

    outcome = (await collect_outcomes(ExportChecks(settings)))["exports"]

    assert outcome.verdict is OK
    assert f"{settings.export_dir}, by {program} of version 99" in outcome.detail


async def test_a_file_in_place_of_the_folder_is_a_failure(env: Environment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = env.load(PGVEND_EXPORT_DIR=str(tmp_path / "file" / "exports"))

    outcome = (await collect_outcomes(ExportChecks(settings)))["exports"]

    assert (outcome.verdict, "PGVEND_EXPORT_DIR" in outcome.detail) == (FAIL, True)

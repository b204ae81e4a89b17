"""The programs of the bundled server, as the operator names them."""

from pathlib import Path

from entrypoints.resources import bundle_of
from tests.unit.entrypoints.conftest import Environment


def test_without_a_setting_the_bundled_programs_are_used(env: Environment) -> None:
    assert bundle_of(env.load()).programs is None


def test_a_relative_folder_is_one_of_the_current_folder(env: Environment, tmp_path: Path) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / "bin" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "bin" / name).touch()
    assert bundle_of(env.load(PGVEND_EMBEDDED_PROGRAMS="bin")).programs == tmp_path / "bin"


def test_another_provider_takes_no_notice_of_it(env: Environment) -> None:
    env.load(PGVEND_EMBEDDED_PROGRAMS="/no/such/bin", PGVEND_PROVIDER="memory")

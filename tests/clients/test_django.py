"""Django migrates, searches and tests on databases of pgvend."""

from pathlib import Path

import pytest

from tests.clients.places import Database, Place, run_successfully

pytestmark = pytest.mark.timeout(600)  # the first test installs the programs

PROGRAM = "django"


@pytest.fixture
async def project(database: Database, program: Path) -> Path:
    """A project that uses the database."""
    (program / "database.py").write_text(await database.format_connection("django") + "\n")
    return program


async def test_django_migrates_and_finds_text_by_english_words(
    database: Database, python_with_drivers: Path, project: Path
) -> None:
    await run_successfully(python_with_drivers, "manage.py", "migrate", cwd=project)
    await run_successfully(python_with_drivers, "round_trip.py", cwd=project)

    assert {"shop_article", "auth_user"} <= await database.tables()
    assert await database.rows("SELECT title FROM shop_article ORDER BY id") == [
        ("Dogs",),
        ("Fish",),
    ]
    await run_successfully(python_with_drivers, "manage.py", "migrate", "shop", "zero", cwd=project)
    assert "shop_article" not in await database.tables()


async def test_django_tests_in_a_second_database_that_it_keeps(
    database: Database, place: Place, python_with_drivers: Path, project: Path
) -> None:
    second = await place.create(database.ca_file)
    (project / "database_of_tests.py").write_text(await second.format_connection("django") + "\n")
    settings = "--settings=settings_of_tests"
    test = ("manage.py", "test", settings, "--keepdb", "--noinput")

    for _ in ("new", "kept"):
        printed = await run_successfully(python_with_drivers, *test, cwd=project)
        assert "Ran 3 tests" in printed

    assert "shop_article" in await second.tables()
    assert await second.rows("SELECT FROM shop_article") == []
    assert await database.tables() == set()

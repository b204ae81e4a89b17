"""The workflows that docs/ci.md shows give each pull request one database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.support.command_line import plain_environment
from tests.support.documents import list_blocks
from tests.support.polling import wait_until
from tests.support.postgres_under_test import session
from tests.support.servers import ram_folder
from tests.support.service import REPOSITORY, running_service
from tests.support.service_client import request_json
from tests.support.workflows import Environment, run_github_job, run_gitlab_job

ADMIN_KEY = "the-admin-key-of-these-workflows"
NUMBER = "42"

Run = Callable[[str], Awaitable[Environment]]


@pytest.fixture(scope="module")
async def runner() -> AsyncIterator[Environment]:
    """The environment of a runner that has the address and a key of a service."""
    with ram_folder() as folder:
        async with running_service(folder / "data", PGVEND_ADMIN_KEY=ADMIN_KEY) as service:
            admin = {"Authorization": f"Bearer {ADMIN_KEY}"}
            body = {"name": "ci", "scopes": ["create", "read", "manage"]}
            key = (await request_json(service, "POST", "/v1/keys", body, **admin))["key"]
            yield {**plain_environment(), "PGVEND_URL": service.url, "PGVEND_KEY": key}


GITHUB, GITLAB = [
    block.text for block in list_blocks(REPOSITORY / "docs/ci.md") if block.language == "yaml"
]


@pytest.fixture(params=["github", "gitlab"])
def run(request: pytest.FixtureRequest, runner: Environment, tmp_path: Path) -> Run:
    """Run the job of that name for a pull request, and return the variables that it sets."""
    if request.param == "gitlab":
        variables = {**runner, "CI_MERGE_REQUEST_IID": NUMBER}
        return partial(run_gitlab_job, GITLAB, folder=tmp_path, environment=variables)
    values = {"github.event.number": NUMBER, "secrets.PGVEND_KEY": runner["PGVEND_KEY"]}
    return partial(run_github_job, GITHUB, expressions=values, folder=tmp_path, environment=runner)


async def test_a_pull_request_has_one_database_until_it_is_closed(run: Run) -> None:
    opened, changed = await run("test"), await run("test")
    assert opened["DATABASE_URL"] == changed["DATABASE_URL"]

    await run("delete-database")
    reopened = await run("test")
    assert reopened["DATABASE_URL"] != opened["DATABASE_URL"]
    await wait_until(partial(_refuses, opened["DATABASE_URL"]))
    await run("delete-database")


async def test_closing_a_pull_request_without_a_database_is_no_error(run: Run) -> None:
    await run("delete-database")
    await run("delete-database")


async def _refuses(uri: str) -> bool:
    try:
        async with session({"dsn": uri}):
            return False
    except asyncpg.PostgresError:
        return True

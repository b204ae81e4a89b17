"""Extensions: listed, refused, and added to a database, over HTTP and on the command line."""

import asyncpg

from adapters.memory.provider import EXTENSIONS
from adapters.postgres.provider import PostgresProvider
from tests.support.apps import RunningApp, app_over_bundled, problem_in


def path_of(database: dict[str, str]) -> str:
    return f"/v1/databases/{database['id']}/extensions"


async def test_the_list_has_name_version_and_description(app: RunningApp) -> None:
    answer = await app.ask("GET", "/v1/extensions")

    assert answer.status == 200
    assert answer.body["extensions"] == [
        {"name": each.name, "version": each.version, "description": each.description}
        for each in EXTENSIONS
    ]


async def test_an_added_extension_is_in_the_record(app: RunningApp) -> None:
    database = await app.vend(extensions=["citext"])

    added = await app.ask("POST", path_of(database), {"name": "hstore"})
    again = await app.ask("POST", path_of(database), {"name": "hstore"})

    assert (added.status, again.status) == (200, 200)
    assert added.body["extensions"] == ["citext", "hstore"]
    assert "connection" not in added.body
    shown = await app.ask("GET", f"/v1/databases/{database['id']}")
    assert shown.body["extensions"] == ["citext", "hstore"]
    assert shown.headers["ETag"] == again.headers["ETag"] != added.headers["ETag"]


async def test_an_unavailable_extension_is_refused_with_the_list(app: RunningApp) -> None:
    body = {"nickname": "Maps", "extensions": ["postgis"]}

    refused = await app.ask("POST", "/v1/databases", body)
    promised = await app.ask("POST", "/v1/databases", body, {"Prefer": "respond-async"})

    for answer in (refused, promised):
        problem = problem_in(answer, 422, "extension_unavailable")
        assert all(each.name in problem["detail"] for each in EXTENSIONS)
    assert await app.live() == []


async def test_the_tenant_finds_it_and_its_session_goes_on(bundled_18: PostgresProvider) -> None:
    async with app_over_bundled(bundled_18) as client:
        made = await client.post("/v1/databases", json={"nickname": "Extended"})
        database = await made.json()
        session = await asyncpg.connect(database["connection"]["uri"])
        for name in ("vector", "pg_trgm"):
            added = await client.post(path_of(database), json={"name": name})
            assert added.status == 200, await added.text()
        assert await session.fetchval("SELECT '[1]'::vector <-> '[3]'") == 2
        assert await session.fetchval("SELECT similarity('word', 'word')") == 1
        await session.execute(
            "CREATE FUNCTION soundex(text) RETURNS text LANGUAGE sql AS 'SELECT $1'"
        )
        hindered = await client.post(path_of(database), json={"name": "fuzzystrmatch"})
        problem = await hindered.json()
        assert (hindered.status, problem["code"]) == (422, "extension_unavailable")
        assert "in the way" in problem["detail"]
        await session.close()
        shown = await (await client.get(f"/v1/databases/{database['id']}")).json()
        assert shown["extensions"] == ["vector", "pg_trgm"]
        await client.delete(f"/v1/databases/{database['id']}")

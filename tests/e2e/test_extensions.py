"""Extensions: listed, refused, and added to a database, over HTTP and on the command line."""

import asyncpg

from adapters.memory.provider import EXTENSIONS
from adapters.postgres.provider import PostgresProvider
from tests.support.apps import RunningApp, app_over_bundled, problem_in
from tests.support.fake_service import RECORD, fake_service
from tests.support.keyholders import guarded_app

LISTED = {"extensions": [{"name": "vector", "version": "0.8.6", "description": "vectors"}]}


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


async def test_what_is_not_available_is_refused_with_the_list_and_leaves_nothing(
    app: RunningApp,
) -> None:
    body = {"nickname": "Maps", "extensions": ["postgis"]}

    refused = await app.ask("POST", "/v1/databases", body)
    promised = await app.ask("POST", "/v1/databases", body, {"Prefer": "respond-async"})

    for answer in (refused, promised):
        problem = problem_in(answer, 422, "extension_unavailable")
        assert all(each.name in problem["detail"] for each in EXTENSIONS)
    assert await app.live() == []


async def test_what_is_not_available_is_not_added_later(app: RunningApp) -> None:
    database = await app.vend()

    refused = await app.ask("POST", path_of(database), {"name": "postgis"})

    assert "vector" in problem_in(refused, 422, "extension_unavailable")["detail"]


async def test_an_odd_name_gets_no_further_than_the_request(app: RunningApp) -> None:
    database = await app.vend()

    for name in ('"; --', "", "x" * 64, 7, None):
        problem_in(await app.ask("POST", path_of(database), {"name": name}), 422, "invalid_request")


async def test_a_database_that_is_not_there_is_404(app: RunningApp) -> None:
    answer = await app.ask(
        "POST", "/v1/databases/db_00000000000000000000000000/extensions", {"name": "vector"}
    )

    problem_in(answer, 404, "database_not_found")


async def test_adding_takes_the_scope_manage_and_is_written_down() -> None:
    async with guarded_app() as guarded:
        ann = await guarded.holder("ann")
        database = await ann.vend()
        reader = await guarded.holder("ann", ["read"])
        assert (await reader.ask("GET", "/v1/extensions")).status == 200
        problem_in(
            await reader.ask("POST", path_of(database), {"name": "vector"}), 403, "forbidden"
        )
        bob = await guarded.holder("bob")
        stranger = await bob.ask("POST", path_of(database), {"name": "vector"})
        problem_in(stranger, 404, "database_not_found")

        added = await ann.ask("POST", path_of(database), {"name": "vector"})

        assert added.status == 200
        [entry] = [
            each
            for each in await guarded.trail(f"&subject={database['id']}&caller=ann")
            if (each["action"], each["outcome"]) == ("addExtension", "done")
        ]
        assert entry["key"] == ann.id


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


async def test_the_command_line_lists_them() -> None:
    async with fake_service(LISTED) as service:
        ran = await service.pgvend("extensions", "list")

    assert [line.split() for line in ran.stdout.splitlines()] == [
        ["NAME", "VERSION", "DESCRIPTION"],
        ["vector", "0.8.6", "vectors"],
    ]
    assert [request[:2] for request in service.asked] == [("GET", "/v1/extensions")]


async def test_the_command_line_adds_one() -> None:
    async with fake_service(RECORD | {"extensions": ["hstore", "vector"]}) as service:
        ran = await service.pgvend("extensions", "add", "db_1", "vector")

    assert ran.stdout.splitlines()[-1].split() == ["db_1", "ready", "hstore,", "vector"]
    assert service.asked == [("POST", "/v1/databases/db_1/extensions", {"name": "vector"})]


async def test_the_command_line_passes_on_why_not() -> None:
    problem = {"detail": "The extension 'x' is not available here.", "request_id": "r"}
    async with fake_service(problem, status=422) as service:
        ran = await service.pgvend("extensions", "add", "db_1", "x")

    assert ran.status == 1
    assert ran.stderr == "pgvend: The extension 'x' is not available here. (request r)\n"

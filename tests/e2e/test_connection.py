"""`GET /v1/databases/{id}/connection`: the connection in the requested format."""

from dataclasses import replace
from typing import Any

import pytest

from domain.connection import Connection
from domain.secrets import Secret
from entrypoints.formats import FORMATS
from tests.support.apps import RunningApp, check_problem
from tests.support.format_readers import READERS, readable_connection

HEADER = "Pgvend-Verified"


@pytest.fixture
async def database(app: RunningApp) -> Any:
    return await app.create_database()


def get_connection(
    app: RunningApp, database: Any, query: str = "", accept: str | list[str] = "*/*"
) -> Any:
    accepted = [accept] if isinstance(accept, str) else accept
    path = f"/v1/databases/{database['id']}/connection{query}"
    return app.client.get(path, headers=[("Accept", each) for each in accepted])


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_shows_the_connection_of_the_creation(
    app: RunningApp, database: Any, name: str
) -> None:
    async with get_connection(app, database, f"?format={name}", "image/png") as response:
        text = await response.text()

    assert (response.status, response.content_type) == (200, FORMATS[name].media_type)
    assert (response.charset, response.headers["Cache-Control"]) == ("utf-8", "no-store")
    assert "Accept" in response.headers.getall("Vary")
    fields = {name: value for name, value in database["connection"].items() if name != "uri"}
    expected = Connection(**fields | {"password": Secret(fields["password"])})
    assert READERS[name](text) == readable_connection(name, expected)


async def test_a_name_that_a_format_cannot_express_is_refused(
    app: RunningApp, database: Any
) -> None:
    """Older releases accepted such names."""
    record = await app.records.registry.get(database["id"])
    names = replace(record.names, database="web\nLD_PRELOAD=/tmp/own.so")
    await app.records.registry.update(replace(record, names=names))
    answer = await app.ask("GET", f"/v1/databases/{database['id']}/connection?format=env")
    assert check_problem(answer, 409, "not_expressible")["detail"].isprintable()


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/yaml, text/plain;q=0.5", "application/yaml"),
        (["text/html", "text/plain"], "text/plain"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
    ids=str,
)
async def test_the_accept_header_selects_the_format(
    app: RunningApp, database: Any, accept: str | list[str], media_type: str
) -> None:
    async with get_connection(app, database, accept=accept) as response:
        assert (response.status, response.content_type) == (200, media_type)


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_reports_the_login_check(
    app: RunningApp, database: Any, name: str
) -> None:
    path = f"/v1/databases/{database['id']}/connection?format={name}"
    async with app.client.get(path) as plain, app.client.get(f"{path}&verify=true") as verified:
        assert (plain.status, plain.headers.get(HEADER)) == (200, None)
        assert (verified.status, verified.headers[HEADER]) == (200, "true")
        text = await verified.text()
        assert text.replace(',"verified":true', "") == await plain.text()
        assert (text == await plain.text()) == (name != "json")


async def test_without_login_checks_the_connection_is_not_verified(
    app: RunningApp, database: Any
) -> None:
    async with app.replica(verify_login=False) as replica:
        answer = await replica.ask("GET", f"/v1/databases/{database['id']}/connection?verify=true")
    assert (answer.status, answer.body["verified"], answer.headers[HEADER]) == (200, False, "false")

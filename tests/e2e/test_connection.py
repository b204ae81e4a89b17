"""`GET /v1/databases/{id}/connection`: the connection again, in the caller's words."""

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from entrypoints.formats import FORMATS
from tests.support.apps import RunningApp, problem_of


async def told(app: RunningApp, database: Any, query: str = "", accept: str = "*/*") -> str:
    path = f"/v1/databases/{database['id']}/connection{query}"
    async with app.client.get(path, headers={"Accept": accept}) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Vary"] == "Accept"
        assert response.charset == "utf-8"
        return await response.text()


async def test_it_is_what_was_handed_out(app: RunningApp) -> None:
    database = await app.vend()

    assert json.loads(await told(app, database)) == database["connection"]


async def test_another_replica_tells_the_same(app: RunningApp) -> None:
    database = await app.vend()
    async with app.replica() as other:
        assert json.loads(await told(other, database)) == database["connection"]


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_there_by_its_name(app: RunningApp, name: str) -> None:
    database = await app.vend()
    path = f"/v1/databases/{database['id']}/connection?format={name}"

    async with app.client.get(path, headers={"Accept": "image/png"}) as response:
        text = await response.text()

    assert response.status == 200
    assert response.content_type == FORMATS[name].media_type
    assert database["connection"]["password"] in text


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("text/plain", "text/plain"),
        ("application/yaml", "application/yaml"),
        ("text/*, application/json;q=0.5", "text/plain"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
)
async def test_what_is_accepted_chooses(app: RunningApp, accept: str, media_type: str) -> None:
    path = f"/v1/databases/{(await app.vend())['id']}/connection"

    async with app.client.get(path, headers={"Accept": accept}) as response:
        assert (response.status, response.content_type) == (200, media_type)


async def test_as_a_uri_it_is_one_line_to_connect_by(app: RunningApp) -> None:
    database = await app.vend()

    uri = await told(app, database, "?format=uri")

    assert uri == database["connection"]["uri"]
    assert urlsplit(uri).password == database["connection"]["password"]


async def test_as_variables_a_shell_can_read_it(app: RunningApp) -> None:
    database = await app.vend()

    read = _variables(await told(app, database, "?format=env"))

    assert read["PGPASSWORD"] == database["connection"]["password"]
    assert read["DATABASE_URL"] == database["connection"]["uri"]


@pytest.mark.parametrize("query", ["?format=xml", "?format=", "?format=JSON", "?format=%00"])
async def test_an_unknown_format_is_told_the_known_ones(app: RunningApp, query: str) -> None:
    path = f"/v1/databases/{(await app.vend())['id']}/connection{query}"

    async with app.client.get(path) as response:
        problem = await problem_of(response, 422, "invalid_request")

    assert "k8s-secret" in problem["detail"]
    assert problem["detail"].isprintable()


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "garbage"])
async def test_where_nothing_fits_a_problem_says_what_would(app: RunningApp, accept: str) -> None:
    path = f"/v1/databases/{(await app.vend())['id']}/connection"

    async with app.client.get(path, headers={"Accept": accept}) as response:
        problem = await problem_of(response, 406, "not_acceptable")

    assert "application/json" in problem["detail"]
    assert problem["retryable"] is False


def _variables(text: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in shlex.split(text))

"""`GET /v1/databases/{id}/connection`: the connection again, as the caller wants it."""

from typing import Any

import pytest

from domain.connection import Connection
from domain.secret import Secret
from entrypoints.formats import FORMATS
from tests.support.apps import RunningApp
from tests.support.format_readers import READERS


async def asked(app: RunningApp, query: str = "", **headers: str) -> tuple[Any, str, str, Any]:
    """Status, media type and text of an answer about a new database, and its first connection."""
    made = await app.vend()
    path = f"/v1/databases/{made['id']}/connection{query}"
    async with app.client.get(path, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text(), made["connection"]


def connection_of(told: dict[str, Any]) -> Connection:
    parts = {name: value for name, value in told.items() if name not in {"uri", "password"}}
    return Connection(**parts, password=Secret(told["password"]))


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_tells_what_the_create_told(app: RunningApp, name: str) -> None:
    status, media_type, text, told = await asked(app, f"?format={name}")

    assert (status, media_type) == (200, FORMATS[name].media_type)
    assert READERS[name](text) == connection_of(told)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("text/plain", "text/plain"),
        ("application/yaml, text/plain;q=0.5", "application/yaml"),
    ],
)
async def test_accept_chooses_too(app: RunningApp, accept: str, media_type: str) -> None:
    assert (await asked(app, Accept=accept))[:2] == (200, media_type)


async def test_what_nobody_here_can_write_is_not_acceptable(app: RunningApp) -> None:
    status, media_type, text, _ = await asked(app, Accept="text/html")

    assert (status, media_type) == (406, "application/problem+json")
    assert '"code": "not_acceptable"' in text


async def test_an_unknown_format_is_refused(app: RunningApp) -> None:
    status, _, text, _ = await asked(app, "?format=xml")

    assert status == 422
    assert "k8s-secret" in text


async def test_no_cache_keeps_an_answer(app: RunningApp) -> None:
    made = await app.vend()

    async with app.client.get(f"/v1/databases/{made['id']}/connection?format=env") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Accept" in answer.headers.getall("Vary")


async def test_accept_may_be_said_in_several_lines(app: RunningApp) -> None:
    made = await app.vend()
    path = f"/v1/databases/{made['id']}/connection"
    lines = [("Accept", "text/html"), ("Accept", "text/plain")]

    async with app.client.get(path, headers=lines) as answer:
        assert answer.content_type == "text/plain"


async def test_a_misspelt_parameter_is_refused(app: RunningApp) -> None:
    status, _, text, _ = await asked(app, "?formt=env")

    assert status == 422
    assert "formt" in text

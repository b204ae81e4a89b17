"""The original service's two routes, as its clients know them."""

from typing import Any

from aiohttp import ClientSession

from tests.support.apps import RunningApp, problem_of

PATH = "/api/create-neon-db"

FIELDS = {
    "hostname": str,
    "database_name": str,
    "database_owner": str,
    "database_owner_password": str,
    "port": int,
    "database_type": str,
    "database_nickname": str,
}


async def test_the_answer_has_the_seven_fields_and_no_other(app: RunningApp) -> None:
    answer = await _ordered(app.client, {"project": {"name": "Sales Data 2024"}})

    assert {name: type(value) for name, value in answer.items()} == FIELDS
    assert answer["database_name"] == "salesdata2024"
    assert answer["database_owner"] == "user_salesdata2024"
    assert answer["database_type"] == "postgresql"
    assert answer["database_nickname"] == "Sales Data 2024"


async def test_no_cache_may_keep_the_answer(app: RunningApp) -> None:
    async with app.client.post(PATH, json={"project": {"name": "kept by nobody"}}) as response:
        assert response.headers["Cache-Control"] == "no-store"


async def test_an_error_has_the_detail_that_the_originals_had(app: RunningApp) -> None:
    async with app.client.post(PATH, json={"project": {"name": "!?"}}) as response:
        problem = await problem_of(response, 422, "invalid_nickname")

    assert "letter" in problem["detail"]


async def test_the_test_route_says_ok(app: RunningApp) -> None:
    assert await app.get("/api/test") == {"status": "ok"}


async def _ordered(client: ClientSession, body: Any) -> Any:
    async with client.post(PATH, json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()

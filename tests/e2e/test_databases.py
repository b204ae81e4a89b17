"""A database's life over `/v1/databases`: created, shown, deleted."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, problem_of, running_app
from tests.support.polling import until
from tests.support.trouble import Gate


async def test_a_created_database_comes_with_its_connection(app: RunningApp) -> None:
    database = await app.vend("Sales Data 2024")

    assert database["id"].startswith("db_")
    assert database["nickname"] == "Sales Data 2024"
    assert database["state"] == "ready"
    assert database["database"] == database["connection"]["database"] == "salesdata2024"
    assert database["owner"] == database["connection"]["user"] == "user_salesdata2024"
    assert database["connection"]["password"] in database["connection"]["uri"]
    assert {step["name"]: step["state"] for step in database["steps"]} == {
        "provision": "done",
        "verify": "done",
    }


async def test_the_location_leads_to_the_record(app: RunningApp) -> None:
    async with app.client.post("/v1/databases", json={"nickname": "found"}) as response:
        database = await response.json()
        record = await app.get(response.headers["Location"])

    del database["connection"]
    assert record == database


async def test_no_cache_may_keep_the_credentials(app: RunningApp) -> None:
    async with app.client.post("/v1/databases", json={"nickname": "kept"}) as response:
        assert response.headers["Cache-Control"] == "no-store"


async def test_a_record_holds_no_secret(app: RunningApp) -> None:
    database = await app.vend("secretive")

    async with app.client.get(f"/v1/databases/{database['id']}") as response:
        text = await response.text()

    assert database["connection"]["password"] not in text
    assert "connection" not in text


async def test_a_time_to_live_becomes_an_end(app: RunningApp) -> None:
    database = await app.vend("short", ttl="90m")

    assert _moment(database["expires_at"]) == _moment(database["created_at"]) + timedelta(hours=1.5)


async def test_without_a_time_to_live_there_is_no_end(app: RunningApp) -> None:
    assert (await app.vend("long"))["expires_at"] is None


async def test_the_operators_longest_time_bounds_the_callers() -> None:
    async with running_app(max_ttl="24h") as app:
        async with app.client.post(
            "/v1/databases", json={"nickname": "longer", "ttl": "25h"}
        ) as response:
            await problem_of(response, 422, "invalid_duration")

        assert await app.nothing_is_left()


async def test_labels_are_kept_as_given(app: RunningApp) -> None:
    labels = {"team": "sales", "ci/run": "4711", "empty": ""}

    assert (await app.vend("labelled", labels=labels))["labels"] == labels


@pytest.mark.parametrize("name", ["postgres", "Template1", "NeonDB"])
async def test_a_reserved_name_gets_a_suffix(app: RunningApp, name: str) -> None:
    database = await app.vend(name)

    assert database["database"].startswith(f"{name.lower()}-")


async def test_a_name_in_use_gets_a_suffix(app: RunningApp) -> None:
    first = await app.vend("my-app")
    second = await app.vend("My app!")  # another nickname, cleaned to another name
    third = await app.vend("MY-APP")

    assert [first["database"], second["database"]] == ["my-app", "myapp"]
    assert third["database"].startswith("my-app-")


@pytest.mark.parametrize("nickname", ["taken", "postgres"])
async def test_a_caller_may_ask_for_the_plain_name_or_none(app: RunningApp, nickname: str) -> None:
    await app.vend("taken")
    body = {"nickname": nickname, "on_conflict": "reject"}

    async with app.client.post("/v1/databases", json=body) as response:
        problem = await problem_of(response, 409, "name_taken")

    assert nickname in problem["detail"]
    assert [database["database"] for database in await app.live()] == ["taken"]


async def test_a_deleted_database_is_promised_to_go_and_then_gone(app: RunningApp) -> None:
    database = await app.vend("short-lived")

    assert (await _deleted(app, database["id"]))["state"] in {"retiring", "retired"}
    await _comes_to(app, database["id"], "retired")
    assert await app.provider.inventory() == []


async def test_deleting_again_is_no_error(app: RunningApp) -> None:
    database = await app.vend("again")
    await _deleted(app, database["id"])
    await _comes_to(app, database["id"], "retired")

    assert (await _deleted(app, database["id"]))["state"] == "retired"


async def test_impatient_deletions_are_one_deletion() -> None:
    """Each would keep a place of the provider's waiting for the others."""
    gate, begun = Gate("before retire"), 0

    async def counting(moment: str) -> None:
        nonlocal begun
        begun += moment == "before retire"
        await gate(moment)

    async with running_app(MemoryProvider(trouble=counting)) as app:
        database = await app.vend("impatient")
        for _ in range(5):
            async with app.client.delete(f"/v1/databases/{database['id']}") as response:
                assert response.status == 202
        await gate.reached.wait()
        gate.open()

    assert begun == 1


async def test_a_deleted_databases_name_is_free_again(app: RunningApp) -> None:
    database = await app.vend("reused")
    await _deleted(app, database["id"])
    await _comes_to(app, database["id"], "retired")

    again = await app.vend("reused", on_conflict="reject")

    assert again["database"] == "reused"
    assert again["connection"]["password"] != database["connection"]["password"]


async def test_many_deletions_of_one_database_at_once_agree(app: RunningApp) -> None:
    database = await app.vend("popular")

    await asyncio.gather(*(_deleted(app, database["id"]) for _ in range(10)))

    await _comes_to(app, database["id"], "retired")
    assert await app.nothing_is_left()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_database_is_not_found(app: RunningApp, method: str) -> None:
    async with app.client.request(method, "/v1/databases/db_nobody") as response:
        await problem_of(response, 404, "database_not_found")


async def _deleted(app: RunningApp, database_id: str) -> Any:
    async with app.client.delete(f"/v1/databases/{database_id}") as response:
        assert response.status == 202
        answer = await response.json()
    assert "connection" not in answer
    return answer


async def _comes_to(app: RunningApp, database_id: str, state: str) -> None:
    async def has_come() -> bool:
        return bool((await app.get(f"/v1/databases/{database_id}"))["state"] == state)

    await until(has_come)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

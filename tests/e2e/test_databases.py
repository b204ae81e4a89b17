"""Databases over `/v1/databases`: created, shown, listed and deleted; and the two routes of the
original service."""

from typing import Any

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderRejected
from tests.support.apps import Answer, RunningApp, check_problem, running_app
from tests.support.interrupted import leave_half_provisioned
from tests.support.provider_faults import Gate, fail_at
from tests.support.reconciliation import reconcile

PATH = "/v1/databases"
ASYNC = {"Prefer": "respond-async"}


async def create_async(app: RunningApp, key: str | None = None, **more: Any) -> Answer:
    headers = ASYNC | ({"Idempotency-Key": key} if key else {})
    return await app.ask("POST", PATH, {"nickname": "later", **more}, headers)


async def test_a_created_database_comes_with_its_connection(app: RunningApp) -> None:
    labels = {"team": "sales", "ci/run": "4711", "empty": ""}
    answer = await app.ask("POST", PATH, {"nickname": "Sales Data 2024", "labels": labels})

    database = answer.body
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    assert database["id"].startswith("db_")
    assert database["nickname"] == "Sales Data 2024"
    assert (database["state"], database["labels"]) == ("ready", labels)
    assert (database["created_at"], database["expires_at"]) == ("2026-01-02T03:04:05Z", None)
    assert database["database"] == database["connection"]["database"] == "salesdata2024"
    assert database["owner"] == database["connection"]["user"] == "user_salesdata2024"
    assert database["connection"]["password"] in database["connection"]["uri"]
    assert {step["name"]: step["state"] for step in database["steps"]} == {
        "provision": "done",
        "verify": "done",
    }


async def test_the_location_is_the_record_without_its_password(app: RunningApp) -> None:
    answer = await app.ask("POST", PATH, {"nickname": "found", "ttl": "90m"})
    record = await app.get(answer.headers["Location"])
    del answer.body["connection"]
    assert record == answer.body
    assert record["expires_at"] == "2026-01-02T04:34:05Z"


async def test_sizes_are_shown_on_request(app: RunningApp) -> None:
    database = await app.create_database("large")
    app.provider.set_size(database["id"], 1 << 30)

    alone = await app.get(f"{PATH}/{database['id']}?size=true")
    listed = (await app.get(f"{PATH}?size=true"))["databases"]
    plain = await app.get(f"{PATH}/{database['id']}?size=false")

    assert alone == plain | {"size": 1 << 30}
    assert alone in listed
    assert (await app.ask("GET", f"{PATH}?size=1")).status == 422


async def test_on_conflict_reject_refuses_a_taken_name(app: RunningApp) -> None:
    await app.create_database("taken")
    body = {"nickname": "taken", "on_conflict": "reject"}
    for headers in ({}, ASYNC):
        check_problem(await app.ask("POST", PATH, body, headers), 409, "name_taken")
    assert len(await app.list_live()) == 1


async def test_a_deletion_is_accepted_and_completed_in_the_background(app: RunningApp) -> None:
    database = await app.create_database("short-lived")
    path = f"{PATH}/{database['id']}"

    first = await app.ask("DELETE", path)
    assert first.status == 202
    assert first.body["state"] in {"deleting", "deleted"}
    assert "connection" not in first.body
    await app.wait_for_state(database["id"], "deleted")
    assert await app.provider.inventory() == []
    again = await app.ask("DELETE", path)
    assert (again.status, again.body["state"]) == (202, "deleted")


async def test_repeated_deletions_are_one_deletion() -> None:
    """Otherwise each would occupy a connection of the provider."""
    gate, deletions = Gate("before delete"), 0

    async def count_deletions(moment: str) -> None:
        nonlocal deletions
        deletions += moment == "before delete"
        await gate(moment)

    async with running_app(MemoryProvider(fault_hook=count_deletions)) as app:
        path = f"{PATH}/{(await app.create_database('impatient'))['id']}"
        for _ in range(5):
            assert (await app.ask("DELETE", path)).status == 202
        await gate.reached.wait()
        gate.open()

    assert deletions == 1


async def test_an_asynchronous_creation_is_answered_before_it_is_complete() -> None:
    gate = Gate("before provision")
    async with running_app(MemoryProvider(fault_hook=gate)) as app:
        answer = await create_async(app)

        assert answer.status == 202
        assert answer.headers["Preference-Applied"] == "respond-async"
        assert answer.headers["Location"] == f"{PATH}/{answer.body['id']}"
        assert answer.body["state"] == "provisioning"
        assert [step["state"] for step in answer.body["steps"]] == ["running"]
        assert "connection" not in answer.body
        gate.open()
        await app.wait_for_state(answer.body["id"], "ready")
        assert app.accepts(await app.get(f"{answer.headers['Location']}/connection"))


ASYNC_PREFERENCES = [
    *("respond-async", "Respond-Async", "wait=5, respond-async"),
    "respond-async;wait=5, return=minimal",
]
OTHER_PREFERENCES = ["return=minimal", "no-respond-async", "respond-async-later", ""]


@pytest.mark.parametrize(
    ("prefer", "status"),
    [
        (["return=minimal", "respond-async"], 202),
        *(([prefer], 202) for prefer in ASYNC_PREFERENCES),
        *(([prefer], 201) for prefer in OTHER_PREFERENCES),
    ],
    ids=str,
)
async def test_respond_async_is_applied_if_preferred(
    app: RunningApp, prefer: list[str], status: int
) -> None:
    headers = [("Prefer", value) for value in prefer]
    answer = await app.ask("POST", PATH, {"nickname": "n"}, headers)
    assert answer.status == status
    assert ("Preference-Applied" in answer.headers) == (status == 202)


async def test_the_record_shows_why_an_asynchronous_creation_failed() -> None:
    refusing = fail_at("before provision", ProviderRejected)
    async with running_app(MemoryProvider(fault_hook=refusing)) as app:
        record = await app.wait_for_state((await create_async(app)).body["id"], "failed")
        assert record["steps"][0]["error"] == str(ProviderRejected())
        assert await app.is_empty()


async def test_a_repeated_asynchronous_creation_returns_the_same_database(app: RunningApp) -> None:
    first = await create_async(app, "a key")
    await app.wait_for_state(first.body["id"], "ready")
    second = await create_async(app, "a key")
    assert (second.status, second.body["id"]) == (202, first.body["id"])
    assert second.body["state"] == "ready"
    check_problem(await create_async(app, "a key", ttl="1h"), 422, "idempotency_key_reused")


async def test_the_pages_are_the_list_newest_first(app: RunningApp) -> None:
    ids = [
        (await app.create_database(f"n {n}", labels={"odd": str(n % 2)}))["id"] for n in range(7)
    ]
    assert await _list_in_pages(app) == sorted(ids, reverse=True)
    assert await _list_in_pages(app, "&label=odd=1") == sorted(ids[1::2], reverse=True)


async def test_a_list_is_filtered_by_several_states(app: RunningApp) -> None:
    kept, dropped = await app.create_database("kept"), await app.create_database("dropped")
    await app.ask("DELETE", f"/v1/databases/{dropped['id']}")
    going = "state=deleting&state=deleted"
    assert await _list_ids(app, "state=ready") == {kept["id"]}
    assert await _list_ids(app, f"state=ready&{going}") == {kept["id"], dropped["id"]}


async def test_a_list_hides_deleted_and_failed_databases_unless_asked_for(app: RunningApp) -> None:
    kept, deleted = await app.create_database("kept"), await app.create_database("deleted")
    await app.ask("DELETE", f"{PATH}/{deleted['id']}")
    await app.wait_for_state(deleted["id"], "deleted")
    failed = await leave_half_provisioned(app, resumable=False)
    await reconcile(app)

    assert await _list_ids(app, "") == {kept["id"]}
    assert await _list_ids(app, "state=deleted") == {deleted["id"]}
    assert await _list_ids(app, "state=failed") == {failed.id}
    assert (await app.get(f"{PATH}/{deleted['id']}"))["state"] == "deleted"


async def test_a_list_is_filtered_by_all_labels(app: RunningApp) -> None:
    both = await app.create_database("both", labels={"team": "a", "env": "ci"})
    one = await app.create_database("one", labels={"team": "a"})
    await app.create_database("none")

    assert await _list_ids(app, "label=team=a") == {both["id"], one["id"]}
    assert await _list_ids(app, "label=team=a&label=env=ci") == {both["id"]}
    empty = await app.get("/v1/databases?label=team=b")
    assert empty == {"databases": [], "next_page_token": ""}


async def test_a_list_is_filtered_by_the_exact_nickname(app: RunningApp) -> None:
    shops = [await app.create_database("Web Shop", labels={"n": str(n)}) for n in range(2)]
    await app.create_database("web shop")
    await app.create_database("Web Shop 2")

    assert await _list_ids(app, "nickname=Web%20Shop") == {shop["id"] for shop in shops}
    assert await _list_ids(app, "nickname=Web%20Shop&label=n=1") == {shops[1]["id"]}
    assert await _list_ids(app, "nickname=Web%20Shop&state=failed") == set()
    for unknown in ("", "Web", "%00"):
        assert await _list_ids(app, f"nickname={unknown}") == set()


async def _list_in_pages(app: RunningApp, query: str = "") -> list[str]:
    """Return the ids from pages of three."""
    page = await app.get(f"/v1/databases?page_size=3{query}")
    pages = [page]
    while token := page["next_page_token"]:
        page = await app.get(f"/v1/databases?page_size=3&page_token={token}{query}")
        pages.append(page)
    assert all(len(each["databases"]) <= 3 for each in pages)
    return [database["id"] for each in pages for database in each["databases"]]


async def _list_ids(app: RunningApp, query: str) -> set[str]:
    return {database["id"] for database in (await app.get(f"/v1/databases?{query}"))["databases"]}


LEGACY = "/api/create-neon-db"

FIELDS = {
    "hostname": str,
    "database_name": str,
    "database_owner": str,
    "database_owner_password": str,
    "port": int,
    "database_type": str,
    "database_nickname": str,
}


async def test_the_original_route_answers_exactly_seven_fields(app: RunningApp) -> None:
    body = {"project": {"name": "Sales Data 2024", "region": "eu", "team": [1, {"a": "b"}]}, "x": 1}

    answer = await app.ask("POST", f"{LEGACY}?cache=no", body)

    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert {name: type(value) for name, value in answer.body.items()} == FIELDS
    assert answer.body["database_name"] == "salesdata2024"
    assert answer.body["database_owner"] == "user_salesdata2024"
    assert answer.body["database_type"] == "postgresql"
    assert answer.body["database_nickname"] == "Sales Data 2024"


async def test_an_error_of_the_original_route_has_a_detail(app: RunningApp) -> None:
    answer = await app.ask("POST", LEGACY, {"project": {"name": "!?"}})
    assert "letter" in check_problem(answer, 422, "invalid_nickname")["detail"]


async def test_the_test_route_answers_ok(app: RunningApp) -> None:
    assert await app.get("/api/test") == {"status": "ok"}

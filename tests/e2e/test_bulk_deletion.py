"""`DELETE /v1/databases`: all databases with a label, if they are as many as the caller says."""

import pytest

from tests.support.apps import RunningApp, check_problem
from tests.support.keyed_clients import KeyedApp
from tests.support.polling import wait_until

PATH = "/v1/databases"
CLASS = {"class": "sql101"}


async def test_the_databases_of_a_class_are_deleted_by_one_call(app: RunningApp) -> None:
    ids = [(await app.create_database("sql", labels=CLASS))["id"] for _ in range(3)]
    other = await app.create_database("other")

    problem = check_problem(
        await app.ask("DELETE", f"{PATH}?label=class=sql101&count=2"), 409, "count_mismatch"
    )
    assert problem["detail"].startswith("3 databases have these labels, not 2")
    assert len(await app.list_live()) == 4

    answer = await app.ask("DELETE", f"{PATH}?label=class=sql101&count=3")
    assert answer.status == 202
    assert sorted(answer.body["ids"]) == sorted(ids)
    for database_id in ids:
        await app.wait_for_state(database_id, "deleted")
    assert [each["id"] for each in await app.list_live()] == [other["id"]]
    assert [item.id for item in await app.provider.inventory()] == [other["id"]]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("count=1", "Send a label"),
        ("label=class=sql101", "Send count"),
        ("label=class=sql101&count=-1", "Send count"),
        ("label=class=sql101&count=all", "Send count"),
        ("label=class&count=1", "label=key=value"),
        ("label=a=b&label=a=c&count=1", "only once"),
    ],
)
async def test_a_label_and_a_count_are_required(app: RunningApp, query: str, detail: str) -> None:
    await app.create_database(labels=CLASS)
    answer = await app.ask("DELETE", f"{PATH}?{query}")
    assert detail in check_problem(answer, 422, "invalid_request")["detail"]
    assert len(await app.list_live()) == 1


async def test_each_deletion_is_audited_and_a_refused_call_once(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann")
    databases = [await ann.create_database("sql") for _ in range(2)]
    for database in databases:
        await ann.ask("PATCH", f"{PATH}/{database['id']}", {"labels": CLASS})

    await ann.ask("DELETE", f"{PATH}?label=class=sql101&count=9")
    await ann.ask("DELETE", f"{PATH}?label=class=sql101&count=2")

    events = [each for each in await guarded.list_audit_events() if "Databases" in each["action"]]
    assert sorted((each["subject"], each["outcome"]) for each in events) == [
        ("", "count_mismatch"),
        *sorted((database["id"], "done") for database in databases),
    ]


async def test_the_quota_is_free_again_after_a_bulk_deletion(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann", quota=1)
    database = await ann.create_database("sql")
    await ann.ask("PATCH", f"{PATH}/{database['id']}", {"labels": CLASS})
    await ann.ask("DELETE", f"{PATH}?label=class=sql101&count=1")

    async def is_deleted() -> bool:
        state = (await ann.ask("GET", f"{PATH}/{database['id']}")).body["state"]
        return bool(state == "deleted")

    await wait_until(is_deleted)
    await ann.create_database("again")

"""Changes of a database: `PATCH`, `/rotate`, `/restore` and `/extensions`; states that refuse them;
and ETags, which make a change depend on the version that the caller knows."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.memory.extensions import EXTENSIONS
from tests.support.apps import Answer, RunningApp, check_problem, running_app
from tests.support.interrupted import leave_half_provisioned
from tests.support.reconciliation import create_expired


def path_of(database: Any, what: str = "") -> str:
    return f"/v1/databases/{database['id']}{what}"


async def patch_database(app: RunningApp, database: Any, **change: Any) -> Answer:
    return await app.ask("PATCH", path_of(database), change)


async def restore_database(app: RunningApp, database: Any, body: Any = None) -> Answer:
    return await app.ask("POST", path_of(database, "/restore"), body)


def expiry_of(answer: Answer) -> datetime:
    return datetime.fromisoformat(answer.body["expires_at"])


async def test_a_ttl_counts_from_now_and_labels_replace_all_labels(app: RunningApp) -> None:
    database = await app.create_database(ttl="2h", labels={"a": "1"})
    app.clock.passed += 3600

    extended = await patch_database(app, database, ttl="3h")
    relabelled = await patch_database(app, database, labels={})

    assert extended.status == 200
    assert expiry_of(extended) == expiry_of(relabelled) == app.clock.now() + timedelta(hours=3)
    assert (extended.body["labels"], relabelled.body["labels"]) == ({"a": "1"}, {})
    assert "connection" not in extended.body
    assert await app.get(path_of(database)) == relabelled.body


async def test_an_expiry_is_set_and_cleared(app: RunningApp) -> None:
    database = await app.create_database(ttl="2h")

    moved = await patch_database(app, database, expires_at="2026-01-02T06:04:05+01:00")
    cleared = await patch_database(app, database, expires_at=None)
    again = await patch_database(app, database, ttl="1h")
    cleared_again = await patch_database(app, database, ttl=None, labels={"a": "b"})

    assert (moved.status, moved.body["expires_at"]) == (200, "2026-01-02T05:04:05Z")
    assert (cleared.status, cleared.body["expires_at"]) == (200, None)
    assert expiry_of(again) == app.clock.now() + timedelta(hours=1)
    assert (cleared_again.status, cleared_again.body["expires_at"]) == (200, None)
    assert await app.get(path_of(database)) == cleared_again.body


async def test_an_expiry_cannot_be_cleared_where_a_maximum_is_set() -> None:
    async with running_app(max_ttl="24h") as app:
        database = await app.create_database(ttl="2h")
        for expiry in ("ttl", "expires_at"):
            answer = await patch_database(app, database, **{expiry: None})
            problem = check_problem(answer, 422, "invalid_expiry")
            assert "must expire within 1 day" in problem["detail"]
            assert "send ttl or expires_at" in problem["detail"]
        assert (await app.get(path_of(database)))["expires_at"] == database["expires_at"]


async def test_after_a_rotation_only_the_new_password_works(app: RunningApp) -> None:
    database = await app.create_database(labels={"a": "b"}, ttl="1h")

    answer = await app.ask("POST", path_of(database, "/rotate"))

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert app.accepts(answer.body["connection"])
    assert not app.accepts(database["connection"])
    for name in database.keys() - {"connection", "steps"}:
        assert answer.body[name] == database[name]


async def test_a_restored_database_is_unchanged_but_for_its_expiry() -> None:
    async with running_app(grace_period="24h") as app:
        database = await create_expired(app)
        assert (await app.get(path_of(database)))["state"] == "expired"
        assert not app.accepts(database["connection"])

        answer = await restore_database(app, database, {"ttl": "2h"})

        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["ETag"] == (await app.ask("GET", path_of(database))).headers["ETag"]
        assert answer.body["state"] == "ready"
        assert answer.body["connection"] == database["connection"]
        assert app.accepts(database["connection"])
        assert expiry_of(answer) == app.clock.now() + timedelta(hours=2)


@pytest.mark.parametrize("body", [None, {}, {"ttl": None}])
async def test_a_restored_database_gets_the_default_ttl(body: Any) -> None:
    async with running_app(grace_period="24h", default_ttl="5h") as app:
        answer = await restore_database(app, await create_expired(app), body)
        assert expiry_of(answer) == app.clock.now() + timedelta(hours=5)


REQUESTS = [
    ("PATCH", "", {"ttl": "1h"}),
    ("PATCH", "", {"labels": {}}),
    ("POST", "/rotate", None),
    ("GET", "/connection", None),
]


@pytest.mark.parametrize(("method", "what", "body"), REQUESTS)
async def test_a_deleted_database_cannot_be_changed(
    app: RunningApp, method: str, what: str, body: Any
) -> None:
    database = await app.create_database()
    await app.ask("DELETE", path_of(database))
    check_problem(await app.ask(method, path_of(database, what), body), 409, "illegal_state")
    check_problem(await restore_database(app, database), 409, "illegal_state")
    await app.ask("POST", "/v1/reconciliations")
    assert await app.is_empty()


@pytest.mark.parametrize(("method", "what", "body"), REQUESTS)
async def test_a_database_in_creation_refuses_changes_and_asks_to_retry(
    app: RunningApp, method: str, what: str, body: Any
) -> None:
    record = await leave_half_provisioned(app)
    answer = await app.ask(method, f"/v1/databases/{record.id}{what}", body)
    assert check_problem(answer, 409, "in_flight")["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0
    assert await app.records.registry.get(record.id) == record


async def create_with_etag(app: RunningApp) -> tuple[str, str]:
    """Create a database and return its address and ETag."""
    answer = await app.ask("POST", "/v1/databases", {"nickname": "tagged"})
    return answer.headers["Location"], answer.headers["ETag"]


async def set_label(app: RunningApp, path: str, label: str, tags: Any) -> Answer:
    headers = [("If-Match", tag) for tag in ([tags] if isinstance(tags, str) else tags)]
    return await app.ask("PATCH", path, {"labels": {"is": label}}, headers)


async def test_answers_with_the_record_have_its_etag(app: RunningApp) -> None:
    path, tag = await create_with_etag(app)
    for what in ("", "/connection"):
        assert (await app.ask("GET", path + what)).headers["ETag"] == tag
    assert tag.startswith('"')
    assert tag.endswith('"')


async def test_every_change_creates_a_new_etag(app: RunningApp) -> None:
    path, tag = await create_with_etag(app)
    tags = [tag]
    for method, what, body in (
        ("PATCH", "", {"ttl": "1h"}),
        ("PATCH", "", {"labels": {}}),
        ("POST", "/rotate", None),
    ):
        answer = await app.ask(method, path + what, body)
        assert answer.headers["ETag"] == (await app.ask("GET", path)).headers["ETag"]
        tags.append(answer.headers["ETag"])

    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize(
    "write",
    [
        "{tag}",
        " {tag} ",
        '"another", {tag}',
        '{tag},"another"',
        'W/{tag}, {tag} , "a,b"',
        ['"another"', "{tag}"],
        "*",
    ],
)
async def test_a_change_of_a_known_version_succeeds(
    app: RunningApp, write: str | list[str]
) -> None:
    path, tag = await create_with_etag(app)
    tags = [one.format(tag=tag) for one in ([write] if isinstance(write, str) else write)]
    answer = await set_label(app, path, "seen", tags)
    assert answer.status == 200
    assert (await app.get(path))["labels"] == {"is": "seen"}


async def test_a_weak_etag_does_not_match(app: RunningApp) -> None:
    path, tag = await create_with_etag(app)
    check_problem(await set_label(app, path, "weak", f"W/{tag}"), 412, "precondition_failed")


@pytest.mark.parametrize(
    ("body", "ended"),
    [(None, False), ({}, False), ({"end_sessions": False}, False), ({"end_sessions": True}, True)],
    ids=str,
)
async def test_a_rotation_reports_whether_sessions_ended(
    app: RunningApp, body: Any, ended: bool
) -> None:
    database = await app.create_database()
    answer = await app.ask("POST", f"/v1/databases/{database['id']}/rotate", body)
    assert (answer.status, answer.body["sessions_ended"]) == (200, ended)
    assert app.accepts(answer.body["connection"])


async def test_extensions_have_a_name_a_version_and_a_description(app: RunningApp) -> None:
    answer = await app.ask("GET", "/v1/extensions")
    assert answer.status == 200
    assert answer.body["extensions"] == [
        {"name": each.name, "version": each.version, "description": each.description}
        for each in EXTENSIONS
    ]


async def test_an_added_extension_is_in_the_record(app: RunningApp) -> None:
    database = await app.create_database(extensions=["citext"])

    added = await app.ask("POST", path_of(database, "/extensions"), {"name": "hstore"})
    again = await app.ask("POST", path_of(database, "/extensions"), {"name": "hstore"})

    assert (added.status, again.status) == (200, 200)
    assert added.body["extensions"] == ["citext", "hstore"]
    assert "connection" not in added.body
    answer = await app.ask("GET", f"/v1/databases/{database['id']}")
    assert answer.body["extensions"] == ["citext", "hstore"]
    assert answer.headers["ETag"] == again.headers["ETag"] != added.headers["ETag"]


async def test_an_unavailable_extension_is_refused_with_the_list(app: RunningApp) -> None:
    body = {"nickname": "Maps", "extensions": ["postgis"]}

    answer = await app.ask("POST", "/v1/databases", body)
    async_answer = await app.ask("POST", "/v1/databases", body, {"Prefer": "respond-async"})

    for each_answer in (answer, async_answer):
        problem = check_problem(each_answer, 422, "extension_unavailable")
        assert all(each.name in problem["detail"] for each in EXTENSIONS)
    assert await app.list_live() == []

"""The audit trail: who did what, when, from where, and what came of it."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from entrypoints.http.bodies import MAX_BODY
from entrypoints.http.routes import ROUTES
from tests.support.keyed import LEGACY, ORDERS, PATH
from tests.support.keyholders import ADMIN_KEY, Guarded, Keyholder, bearer, guarded_app

AUDITED = {
    "createDatabase",
    "createNeonDb",
    "changeDatabase",
    "deleteDatabase",
    "rotatePassword",
    "restoreDatabase",
    "showConnection",
    "sweep",
    "createKey",
    "revokeKey",
}


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    async with guarded_app() as guarded:
        yield guarded


def test_what_changes_something_or_shows_a_secret_is_written_down() -> None:
    assert {route.name for route in ROUTES if route.is_audited} == AUDITED


async def test_a_whole_life_is_written_down(guarded: Guarded) -> None:
    ann = await guarded.holder("ann")
    made = await ann.vend()
    path = f"{PATH}/{made['id']}"
    await ann.ask("GET", f"{path}/connection")
    await ann.ask("PATCH", path, {"labels": {"a": "b"}})
    await ann.ask("POST", f"{path}/rotate")
    await ann.ask("POST", f"{path}/restore")
    await ann.ask("DELETE", path)

    told = await guarded.trail(f"&subject={made['id']}")

    assert {entry["action"]: entry["outcome"] for entry in told} == {
        "createDatabase": "done",
        "showConnection": "done",
        "changeDatabase": "done",
        "rotatePassword": "done",
        "restoreDatabase": "illegal_state",
        "deleteDatabase": "done",
    }
    assert len(told) == 6
    assert {(entry["caller"], entry["key"]) for entry in told} == {("ann", ann.id)}


async def test_an_entry_says_who_what_when_from_where_and_in_which_request(
    guarded: Guarded,
) -> None:
    ann = await guarded.holder("ann")
    made = await ann.vend(**{"X-Request-ID": "my-request"})

    (entry,) = await guarded.trail("&caller=ann")

    assert entry.pop("id").startswith("aud_")
    assert entry == {
        "at": "2026-01-02T03:04:05Z",
        "caller": "ann",
        "key": ann.id,
        "action": "createDatabase",
        "subject": made["id"],
        "address": "127.0.0.1",
        "request_id": "my-request",
        "outcome": "done",
    }


@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}], ids=["", "async"])
@pytest.mark.parametrize("path", [PATH, LEGACY])
async def test_a_new_database_is_named(
    guarded: Guarded, path: str, headers: dict[str, str]
) -> None:
    ann = await guarded.holder("ann")
    await ann.ask("POST", path, ORDERS[path], **headers)

    (entry,) = await guarded.trail("&caller=ann")

    assert {entry["subject"]} == await guarded.admin.list()


async def test_keys_and_sweeps_are_written_down(guarded: Guarded) -> None:
    ann = await guarded.holder("ann")
    await guarded.admin.ask("DELETE", f"/v1/keys/{ann.id}")
    await guarded.admin.ask("POST", "/v1/sweep")

    told = {(entry["action"], entry["subject"], entry["caller"]) for entry in await guarded.trail()}

    assert told == {
        ("sweep", "", "admin"),
        ("revokeKey", ann.id, "admin"),
        ("createKey", ann.id, "admin"),
    }


async def test_what_a_sweep_does_is_the_sweeps_doing(guarded: Guarded) -> None:
    ann = await guarded.holder("ann")
    made = await ann.ask("POST", PATH, {"nickname": "Sales", "ttl": "1h"})
    guarded.app.clock.passed += 3600
    await guarded.admin.ask("POST", "/v1/sweep")

    (entry,) = await guarded.trail("&caller=pgvend")

    assert entry["action"].startswith("sweep.")
    assert (entry["subject"], entry["outcome"]) == (made.body["id"], "done")


async def test_what_somebody_may_not_do_is_written_down_with_the_name(guarded: Guarded) -> None:
    ann, bob = await guarded.holder("ann"), await guarded.holder("bob", ["read"])
    made = await ann.vend()
    await bob.ask("DELETE", f"{PATH}/{made['id']}")

    (entry,) = await guarded.trail("&caller=bob")

    assert (entry["action"], entry["outcome"]) == ("deleteDatabase", "forbidden")
    assert (entry["key"], entry["subject"]) == (bob.id, made["id"])


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"nickname": "!"}, "invalid_nickname"),
        ({}, "invalid_request"),
        ({"nickname": "x" * (MAX_BODY + 1)}, "body_too_large"),
    ],
    ids=["nickname", "body", "size"],
)
async def test_what_came_to_nothing_is_written_down_by_its_error(
    guarded: Guarded, body: object, outcome: str
) -> None:
    ann = await guarded.holder("ann")
    told = await ann.ask("POST", PATH, body)

    (entry,) = await guarded.trail("&caller=ann")

    assert entry["outcome"] == told.body["code"] == outcome


async def test_what_is_only_looked_at_is_not_written_down(guarded: Guarded) -> None:
    ann = await guarded.holder("ann")
    made = await ann.vend()
    before = await guarded.trail()
    for path in ("", f"/{made['id']}", f"/{made['id']}/events"):
        async with guarded.app.client.get(PATH + path, headers=bearer(ann.key)) as looked:
            assert looked.status == 200

    assert await guarded.trail() == before


async def test_asking_only_for_the_headers_of_a_connection_is_written_down(
    guarded: Guarded,
) -> None:
    """It is revealed all the same, though not to a caller who keeps to the rules."""
    ann = await guarded.holder("ann")
    made = await ann.vend()
    await ann.ask("HEAD", f"{PATH}/{made['id']}/connection")

    actions = {entry["action"] for entry in await guarded.trail("&caller=ann")}

    assert actions == {"createDatabase", "showConnection"}


async def test_strangers_do_not_fill_the_trail_and_are_in_the_log(guarded: Guarded) -> None:
    wrong = Keyholder(guarded.app, "pgv_00000000_" + "0" * 64)
    with capture_logs() as logs:
        await guarded.ask("POST", PATH, ORDERS[PATH])
        await wrong.ask("DELETE", f"{PATH}/db_x")

    assert await guarded.trail() == []
    told = [(log["error"], log["address"]) for log in logs if log["event"] == "auth.refused"]
    assert told == [("unauthenticated", "127.0.0.1"), ("key_refused", "127.0.0.1")]
    assert wrong.key not in repr(logs)


async def test_no_entry_and_no_line_of_the_log_holds_a_secret(guarded: Guarded) -> None:
    with capture_logs() as logs:
        ann = await guarded.holder("ann")
        made = await ann.vend()
        path = f"{PATH}/{made['id']}"
        rotated = await ann.ask("POST", f"{path}/rotate")
        await ann.ask("GET", f"{path}/connection")
        await ann.ask("DELETE", path)

    written = repr(await guarded.trail()) + repr(logs)

    passwords = [each["connection"]["password"] for each in (made, rotated.body)]
    secret = ann.key.rpartition("_")[2]
    assert not [each for each in (*passwords, secret, ADMIN_KEY) if each in written]

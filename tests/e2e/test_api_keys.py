"""`/v1/keys`: keys are created, listed and revoked."""

from contextlib import AbstractAsyncContextManager

from adapters.registry.stores import Stores
from domain.api_keys import digest_key
from domain.secrets import Secret
from tests.support.apps import check_problem
from tests.support.idempotent_requests import PATH
from tests.support.keyed_clients import KeyedApp, KeyedClient, running_keyed_app

KEYS = "/v1/keys"


async def test_a_key_is_shown_once_and_stored_nowhere(guarded: KeyedApp) -> None:
    answer = await guarded.admin.ask("POST", KEYS, {"name": "web", "scopes": ["create"]})

    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    key = answer.body["key"]
    assert key.startswith(answer.body["id"] + "_")
    listing = await guarded.admin.ask("GET", KEYS)
    record = await guarded.app.records.keys.find(answer.body["id"])
    for place in (repr(listing.body), repr(record), repr(await guarded.list_audit_events())):
        assert key.rpartition("_")[2] not in place
    assert digest_key(Secret(key)) not in repr(listing.body)


async def test_a_key_has_the_requested_properties(guarded: KeyedApp) -> None:
    body = {"name": "web", "scopes": ["read", "create"], "quota": 3, "rate": "10/min"}

    answer = await guarded.admin.ask("POST", KEYS, body | {"ttl": "1h"})

    key = answer.body
    assert (key["name"], key["quota"], key["rate"]) == ("web", 3, "10/min")
    assert key["scopes"] == ["create", "read"]
    assert (key["origins"], key["revoked_at"], key["notices"]) == ([], None, [])
    assert (key["created_at"], key["expires_at"]) == (
        "2026-01-02T03:04:05Z",
        "2026-01-02T04:04:05Z",
    )
    (listed_key,) = (await guarded.admin.ask("GET", KEYS)).body["keys"]
    assert listed_key == {name: key[name] for name in key if name not in {"key", "notices"}}


async def test_keys_are_listed_in_pages(guarded: KeyedApp) -> None:
    for number in range(3):
        await guarded.create_client(f"caller-{number}")
        guarded.app.clock.passed += 1
    first = (await guarded.admin.ask("GET", f"{KEYS}?page_size=2")).body
    token = first["next_page_token"]
    last = (await guarded.admin.ask("GET", f"{KEYS}?page_size=2&page_token={token}")).body

    assert [key["name"] for key in first["keys"]] == ["caller-2", "caller-1"]
    assert [key["name"] for key in last["keys"]] == ["caller-0"]
    assert last["next_page_token"] == ""


async def test_a_revoked_key_stops_working_and_its_databases_stay(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann")
    database = await ann.create_database()

    revoked = await guarded.admin.ask("DELETE", f"{KEYS}/{ann.id}")

    assert (revoked.status, revoked.body["revoked_at"]) == (200, "2026-01-02T03:04:05Z")
    problem = check_problem(await ann.ask("GET", PATH), 401, "key_refused")
    assert problem["detail"] == f"The API key {ann.id} was revoked."
    assert await guarded.admin.list_databases() == {database["id"]}
    assert guarded.app.accepts(database["connection"])


async def test_keys_work_with_every_registry_and_invalid_ids_are_not_found(
    records: AbstractAsyncContextManager[Stores],
) -> None:
    async with records as opened, running_keyed_app(records=opened) as guarded:
        ann = await guarded.create_client("ann", quota=1, rate="9/min")
        await ann.create_database()

        assert (await ann.ask("POST", PATH, {"nickname": "b"})).body["code"] == "quota_reached"
        wrong = KeyedClient(guarded.app, ann.key[:-1] + ("0" if ann.key[-1] != "0" else "1"))
        check_problem(await wrong.ask("GET", PATH), 401, "key_refused")
        for key_id in ("x", "%00", "%ED%A0%80", "%FF", "%F0%9F%98%80", "'", "%25"):
            answer = await guarded.admin.ask("DELETE", f"{KEYS}/{key_id}")
            check_problem(answer, 404, "key_not_found")
        trail = await guarded.list_audit_events("&caller=admin")
        assert [one["outcome"] for one in trail if one["action"] == "revokeKey"] == [
            "key_not_found"
        ] * 7

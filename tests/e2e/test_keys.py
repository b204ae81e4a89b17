"""`/v1/keys`: made, listed, revoked."""

from contextlib import AbstractAsyncContextManager

from adapters.registry.opening import Opened
from domain.keys import digest_of
from domain.secret import Secret
from tests.support.apps import problem_in
from tests.support.keyed import PATH
from tests.support.keyholders import Guarded, Keyholder, guarded_app

KEYS = "/v1/keys"


async def test_a_key_is_told_once_and_stored_nowhere(guarded: Guarded) -> None:
    made = await guarded.admin.ask("POST", KEYS, {"name": "web", "scopes": ["create"]})

    assert made.status == 201
    assert made.headers["Cache-Control"] == "no-store"
    key = made.body["key"]
    assert key.startswith(made.body["id"] + "_")
    listed = await guarded.admin.ask("GET", KEYS)
    kept = await guarded.app.records.keys.find(made.body["id"])
    for place in (repr(listed.body), repr(kept), repr(await guarded.trail())):
        assert key.rpartition("_")[2] not in place
    assert digest_of(Secret(key)) not in repr(listed.body)


async def test_a_key_is_made_as_it_was_asked_for(guarded: Guarded) -> None:
    asked = {"name": "web", "scopes": ["read", "create"], "quota": 3, "rate": "10/min"}

    made = await guarded.admin.ask("POST", KEYS, asked | {"ttl": "1h"})

    told = made.body
    assert (told["name"], told["quota"], told["rate"]) == ("web", 3, "10/min")
    assert told["scopes"] == ["create", "read"]
    assert (told["origins"], told["revoked_at"], told["notices"]) == ([], None, [])
    assert (told["created_at"], told["expires_at"]) == (
        "2026-01-02T03:04:05Z",
        "2026-01-02T04:04:05Z",
    )
    (listed,) = (await guarded.admin.ask("GET", KEYS)).body["keys"]
    assert listed == {name: told[name] for name in told if name not in {"key", "notices"}}


async def test_a_revoked_key_is_of_no_use_at_once_and_its_databases_stay(guarded: Guarded) -> None:
    ann = await guarded.holder("ann")
    made = await ann.vend()

    revoked = await guarded.admin.ask("DELETE", f"{KEYS}/{ann.id}")

    assert (revoked.status, revoked.body["revoked_at"]) == (200, "2026-01-02T03:04:05Z")
    problem = problem_in(await ann.ask("GET", PATH), 401, "key_refused")
    assert problem["detail"] == f"The API key {ann.id} was revoked."
    assert await guarded.admin.list() == {made["id"]}
    assert guarded.app.accepts(made["connection"])


async def test_a_key_works_wherever_the_records_are_and_what_is_none_is_not_found(
    records: AbstractAsyncContextManager[Opened],
) -> None:
    async with records as opened, guarded_app(records=opened) as guarded:
        ann = await guarded.holder("ann", quota=1, rate="9/min")
        await ann.vend()

        assert (await ann.ask("POST", PATH, {"nickname": "b"})).body["code"] == "quota_reached"
        wrong = Keyholder(guarded.app, ann.key[:-1] + ("0" if ann.key[-1] != "0" else "1"))
        problem_in(await wrong.ask("GET", PATH), 401, "key_refused")
        for key_id in ("x", "%00", "%ED%A0%80", "%FF", "%F0%9F%98%80", "'", "%25"):
            told = await guarded.admin.ask("DELETE", f"{KEYS}/{key_id}")
            problem_in(told, 404, "key_not_found")
        trail = await guarded.trail("&caller=admin")
        assert [one["outcome"] for one in trail if one["action"] == "revokeKey"] == [
            "key_not_found"
        ] * 7

"""The audit log: who did what, when, from where, and with which outcome."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.audit import StoredAuditEvent
from domain.errors import Unavailable
from entrypoints.http.api.json_bodies import MAX_BODY
from entrypoints.http.api.routes.table import ROUTES
from entrypoints.wiring.resources import create_memory_stores
from ports.driven.audit_log import AuditLog, AuditQuery
from tests.support.idempotent_requests import LEGACY, PATH, REQUEST_BODIES
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp, KeyedClient, running_keyed_app

AUDITED = {
    *("createDatabase", "createNeonDb", "changeDatabase", "deleteDatabase", "rotatePassword"),
    *("addExtension", "restoreDatabase", "showConnection", "reconcile", "createKey", "revokeKey"),
    *("createTemplate", "deleteDatabases", "deleteTemplate", "exchangeKey"),
    *("createWebhook", "deleteWebhook", "rotateWebhookSecret", "testWebhook"),
}


def test_routes_that_change_something_or_reveal_a_secret_are_audited() -> None:
    assert {route.name for route in ROUTES if route.is_audited} == AUDITED


async def test_the_events_of_a_database_contain_no_secret(guarded: KeyedApp) -> None:
    with capture_logs() as logs:
        ann = await guarded.create_client("ann")
        database = await ann.create_database(**{"X-Request-ID": "my-request"})
        path = f"{PATH}/{database['id']}"
        await ann.ask("HEAD", f"{path}/connection")  # reveals the password too
        await ann.ask("PATCH", path, {"labels": {"a": "b"}})
        rotated = await ann.ask("POST", f"{path}/rotate")
        await ann.ask("POST", f"{path}/restore")
        await ann.ask("DELETE", path)

    events = await guarded.list_audit_events(f"&subject={database['id']}")

    assert sorted((entry["action"], entry["outcome"]) for entry in events) == [
        ("changeDatabase", "done"),
        ("createDatabase", "done"),
        ("deleteDatabase", "done"),
        ("restoreDatabase", "illegal_state"),
        ("rotatePassword", "done"),
        ("showConnection", "done"),
    ]
    assert {(entry["caller"], entry["key"]) for entry in events} == {("ann", ann.id)}
    (first,) = [entry for entry in events if entry["action"] == "createDatabase"]
    assert first.pop("id").startswith("aud_")
    assert first == {
        "at": "2026-01-02T03:04:05Z",
        "caller": "ann",
        "key": ann.id,
        "action": "createDatabase",
        "subject": database["id"],
        "address": "127.0.0.1",
        "request_id": "my-request",
        "outcome": "done",
    }
    passwords = [each["connection"]["password"] for each in (database, rotated.body)]
    secrets = (*passwords, ann.key.rpartition("_")[2], ADMIN_KEY)
    assert not [
        each for each in secrets if each in repr(await guarded.list_audit_events()) + repr(logs)
    ]


@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}], ids=["", "async"])
@pytest.mark.parametrize("path", [PATH, LEGACY])
async def test_the_event_of_a_creation_names_the_database(
    guarded: KeyedApp, path: str, headers: dict[str, str]
) -> None:
    ann = await guarded.create_client("ann")
    await ann.ask("POST", path, REQUEST_BODIES[path], **headers)
    (entry,) = await guarded.list_audit_events("&caller=ann")
    assert {entry["subject"]} == await guarded.admin.list_databases()


async def test_keys_reconciliations_and_their_actions_are_audited(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann")
    database = (await ann.ask("POST", PATH, {"nickname": "Sales", "ttl": "1h"})).body
    await guarded.admin.ask("DELETE", f"/v1/keys/{ann.id}")
    guarded.app.clock.passed += 3600
    await guarded.admin.ask("POST", "/v1/reconciliations")

    events = {
        (entry["action"], entry["subject"], entry["caller"])
        for entry in await guarded.list_audit_events()
    }

    assert events == {
        ("reconcile", "", "admin"),
        ("reconcile.expire", database["id"], "pgvend"),
        ("revokeKey", ann.id, "admin"),
        ("createDatabase", database["id"], "ann"),
        ("createKey", ann.id, "admin"),
    }


async def test_a_forbidden_call_is_audited_with_its_subject(guarded: KeyedApp) -> None:
    ann, bob = await guarded.create_client("ann"), await guarded.create_client("bob", ["read"])
    database = await ann.create_database()
    await bob.ask("DELETE", f"{PATH}/{database['id']}")
    (entry,) = await guarded.list_audit_events("&caller=bob")
    assert (entry["action"], entry["outcome"]) == ("deleteDatabase", "forbidden")
    assert (entry["key"], entry["subject"]) == (bob.id, database["id"])


CREATE: tuple[str, str] = ("POST", PATH)
FAILING_REQUESTS: dict[str, tuple[str, str, Any, str, str]] = {
    "nickname": (*CREATE, {"nickname": "!"}, "", "invalid_nickname"),
    "body": (*CREATE, {}, "", "invalid_request"),
    "size": (*CREATE, {"nickname": "x" * (MAX_BODY + 1)}, "", "body_too_large"),
    **{
        f"id {typed_id[:9]}": ("DELETE", f"{PATH}/{typed_id}", None, subject, "database_not_found")
        for typed_id, subject in (
            ("%00", "%00"),
            ("%0A", "%0A"),
            ("db_x'", "db_x%27"),
            ("%C3%A4", "%C3%A4"),
            ("x" * 3000, "x" * 63),
        )
    },
}


@pytest.mark.parametrize("name", FAILING_REQUESTS)
async def test_a_failed_call_is_audited_in_ascii(guarded: KeyedApp, name: str) -> None:
    method, path, body, subject, outcome = FAILING_REQUESTS[name]
    ann = await guarded.create_client("ann")
    answer = await ann.ask(method, path, body)
    (entry,) = await guarded.list_audit_events("&caller=ann")
    assert entry["outcome"] == answer.body["code"] == outcome
    assert entry["subject"] == subject


async def test_calls_without_a_valid_key_are_logged_and_not_audited(guarded: KeyedApp) -> None:
    wrong = KeyedClient(guarded.app, "pgv_00000000_" + "0" * 64)
    with capture_logs() as logs:
        await guarded.ask("POST", PATH, REQUEST_BODIES[PATH])
        await wrong.ask("DELETE", f"{PATH}/db_x")

    assert await guarded.list_audit_events() == []
    refusals = [(log["error"], log["address"]) for log in logs if log["event"] == "auth.refused"]
    assert refusals == [("unauthenticated", "127.0.0.1"), ("key_refused", "127.0.0.1")]
    assert wrong.key not in repr(logs)


async def test_pages_follow_each_other_and_reading_is_not_audited(guarded: KeyedApp) -> None:
    for number in range(3):
        await guarded.create_client(f"caller-{number}")
    first = (await guarded.admin.ask("GET", "/v1/audit-events?page_size=2")).body
    token = first["next_page_token"]
    last = (await guarded.admin.ask("GET", f"/v1/audit-events?page_size=2&page_token={token}")).body

    assert (len(first["audit_events"]), last["next_page_token"]) == (2, "")
    assert [*first["audit_events"], *last["audit_events"]] == await guarded.list_audit_events()


@pytest.mark.parametrize("text", ["%00", "%ED%A0%80", "%FF", "%25", "'", "ANN"])
async def test_an_unknown_caller_or_subject_has_no_events(guarded: KeyedApp, text: str) -> None:
    await (await guarded.create_client("ann")).create_database()
    assert (
        await guarded.list_audit_events(f"&caller={text}")
        == await guarded.list_audit_events(f"&subject={text}")
        == []
    )


class Unwritable(AuditLog):
    async def append(self, entry: StoredAuditEvent) -> None:
        raise Unavailable("The registry's disk is full.")

    async def read(self, query: AuditQuery) -> list[StoredAuditEvent]:
        raise Unavailable("The registry's disk is full.")


async def test_a_failed_write_of_the_audit_log_does_not_change_the_answer() -> None:
    with capture_logs() as logs:
        records = replace(create_memory_stores(), audit=Unwritable())
        async with running_keyed_app(records=records) as guarded:
            database = await guarded.admin.create_database()
            refusal = await guarded.admin.ask("POST", PATH, {"nickname": "!"})
            revealed = await guarded.admin.ask("GET", f"{PATH}/{database['id']}/connection")

            assert revealed.body["password"] == database["connection"]["password"]
            assert guarded.app.accepts(database["connection"])
            assert refusal.body["code"] == "invalid_nickname"

    failures = [log for log in logs if log["event"] == "audit.write_failed"]
    assert {one["caller"] for one in failures} == {"admin"}
    assert [(one["action"], one["subject"], one["outcome"]) for one in failures] == [
        ("createDatabase", "", "invalid_nickname"),
        ("showConnection", database["id"], "done"),
    ]


async def test_changes_are_audited_in_the_transactions_of_their_records() -> None:
    """The audit log alone is not writable here."""
    stores = create_memory_stores()
    events, records = stores.audit, replace(stores, audit=Unwritable())
    async with running_keyed_app(records=records) as guarded:
        database = await guarded.admin.create_database()
        path = f"{PATH}/{database['id']}"
        await guarded.admin.ask("PATCH", path, {"labels": {"a": "b"}})
        await guarded.admin.ask("POST", f"{path}/rotate")
        await guarded.admin.ask("DELETE", path)
        for headers in ({"Prefer": "respond-async"}, {}):
            await guarded.admin.ask("POST", PATH, REQUEST_BODIES[PATH], **headers)
        await guarded.admin.ask("POST", LEGACY, REQUEST_BODIES[LEGACY])

    assert sorted(entry.action for entry in await events.read(AuditQuery())) == [
        *("changeDatabase", *["createDatabase"] * 3, "createNeonDb"),
        *("deleteDatabase", "rotatePassword"),
    ]

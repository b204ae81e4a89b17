"""Commands that print lists: tables, pages, filters and unprintable characters."""

import json
import re
from typing import Any

import pytest

from domain.event_types import EventType
from domain.lifecycle import PUBLIC
from tests.support.command_line import run_command
from tests.support.fake_service import (
    EXTENSIONS,
    KEY,
    RECONCILE_RESULT,
    RECORD,
    RECORD_WITH_EXTENSION,
    fake_service,
)

EVENT = {
    "id": "aud_1",
    "at": "2026-01-02T03:04:05Z",
    "caller": "ann",
    "key": "pgv_00000000",
    "action": "createDatabase",
    "subject": "db_1",
    "address": "::1",
    "request_id": "r",
    "outcome": "done",
}


WEBHOOK: dict[str, Any] = {
    "id": "wh_1",
    "url": "https://hooks.example/",
    "events": ["database.created"],
    "caller": "ann",
    "waiting": 0,
    "given_up": 1,
    "last_error": None,
}


def build_database_page(*records: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"databases": list(records), "next_page_token": following}


def build_event_page(*events: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"audit_events": list(events), "next_page_token": following}


def build_key_page(*keys: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"keys": list(keys), "next_page_token": following}


TABLES: dict[str, tuple[Any, list[str]]] = {
    "list": (
        build_database_page(RECORD | {"size": 12 << 20}, RECORD | {"id": "db_2", "labels": {}}),
        [
            "NICKNAME    DATABASE   STATE  EXPIRES  SIZE   CALLER  LABELS         ID",
            "Sales 2024  sales2024  ready  -        12 MB  ann     team=a, run=1  db_1",
            "Sales 2024  sales2024  ready  -        -      ann     -              db_2",
        ],
    ),
    "list --quiet": (
        build_database_page(RECORD, RECORD | {"id": "db_2\x1b"}),
        ["db_1", "db_2\x1b"],
    ),
    "reconcile": (
        {"results": [RECONCILE_RESULT, RECONCILE_RESULT | {"id": "db_22", "detail": "a b"}]},
        [
            "ACTION  ID     DATABASE  OUTCOME  DETAIL",
            "delete  db_1   x         done     -",
            "delete  db_22  x         done     a b",
        ],
    ),
    "extensions list": (EXTENSIONS, ["NAME    VERSION  DESCRIPTION", "vector  0.8.6    vectors"]),
    "extensions add db_1 vector": (
        RECORD_WITH_EXTENSION,  # which is also what finds it
        ["ID    STATE  EXTENSIONS", "db_1  ready  hstore, vector"],
    ),
    "keys list": (
        build_key_page(KEY),
        [
            "ID            NAME  SCOPES        QUOTA  RATE    ORIGINS  EXPIRES_AT  REVOKED_AT",
            "pgv_00000000  web   create, read  3      10/min  -        -           -",
        ],
    ),
    "webhook list": (
        {
            "webhooks": [
                WEBHOOK,
                WEBHOOK | {"waiting": 12, "last_error": "HTTP 503"},
                WEBHOOK | {"events": sorted(EventType)},
            ]
        },
        [
            "ID    URL                     EVENTS            CALLER  WAITING  GIVEN_UP  LAST_ERROR",
            "wh_1  https://hooks.example/  database.created  ann     0        1         -",
            "wh_1  https://hooks.example/  database.created  ann     12       1         HTTP 503",
            "wh_1  https://hooks.example/  all               ann     0        1         -",
        ],
    ),
    "audit": (
        build_event_page(EVENT, EVENT | {"action": "reconcile", "key": "", "subject": ""}),
        [
            "AT                    CALLER  KEY           ACTION          SUBJECT  ADDRESS  OUTCOME",
            "2026-01-02T03:04:05Z  ann     pgv_00000000  createDatabase  db_1     ::1      done",
            "2026-01-02T03:04:05Z  ann     -             reconcile       -        ::1      done",
        ],
    ),
}


@pytest.mark.parametrize("command", TABLES)
async def test_lists_are_printed_as_tables(command: str) -> None:
    answer, lines = TABLES[command]
    async with fake_service(answer, answer) as service:
        result = await service.run_pgvend(*command.split())
    assert result.stdout.splitlines() == lines


async def test_a_list_follows_all_pages_with_its_filters() -> None:
    options = ("--state", "ready", "--state", "expired", "--label", "team=a&b")
    second = RECORD | {"id": "db_2"}
    async with fake_service(
        build_database_page(RECORD, following="a+b"), build_database_page(second)
    ) as service:
        result = await service.run_pgvend("list", *options, "--json")

    assert json.loads(result.stdout) == {"databases": [RECORD, second]}
    (_, first, _), (_, following, _) = service.requests
    assert first.startswith("/v1/databases?state=ready&state=expired&label=team%3Da%26b&")
    assert "page_token=a%2Bb" in following


async def test_all_databases_are_listed_on_request() -> None:
    async with fake_service(build_database_page()) as service:
        await service.run_pgvend("list", "--all")
    [(_, path, _)] = service.requests
    assert {f"state={state}" for state in PUBLIC} <= {*re.split("[?&]", path)}


async def test_keys_are_listed_from_all_pages() -> None:
    second = KEY | {"id": "pgv_11111111"}
    async with fake_service(
        build_key_page(KEY, following="a+b"), build_key_page(second)
    ) as service:
        result = await service.run_pgvend("keys", "list", "--json")

    assert json.loads(result.stdout) == {"keys": [KEY, second]}
    (_, first, _), (_, following, _) = service.requests
    assert first.startswith("/v1/keys?page_size=")
    assert "page_token=a%2Bb" in following


async def test_audit_events_are_read_up_to_the_limit() -> None:
    events = [EVENT | {"id": f"aud_{number}"} for number in range(3)]
    pages = [
        build_event_page(*events[:2], following="a+b"),
        build_event_page(events[2], following="more"),
    ]
    options = ("--caller", "a&b", "--subject", "pgv_00000000", "--limit", "3", "--json")
    async with fake_service(*pages) as service:
        result = await service.run_pgvend("audit", *options)

    assert json.loads(result.stdout) == {"audit_events": events}
    (_, first, _), (_, following, _) = service.requests
    assert first.startswith("/v1/audit-events?caller=a%26b&subject=pgv_00000000&page_size=")
    assert "page_token=a%2Bb" in following


async def test_audit_events_are_found_by_the_name_of_a_database() -> None:
    async with fake_service(RECORD, build_event_page(EVENT)) as service:
        await service.run_pgvend("audit", "--subject", "Sales")
    (_, search, _), (_, events, _) = service.requests
    assert search == "/v1/databases/Sales"
    assert events.startswith("/v1/audit-events?subject=db_1&")


async def test_control_characters_of_a_nickname_are_escaped() -> None:
    odd = RECORD | {"nickname": "safe\u202egpj.\u2066x\x1b[31m\n\t😀"}
    async with fake_service(build_database_page(odd)) as service:
        result = await service.run_pgvend("list")
    assert "\nsafe\\u202egpj.\\u2066x\\x1b[31m\\n\\t😀  " in result.stdout


@pytest.mark.parametrize("charset", ["ascii", "latin-1"])
async def test_characters_that_the_terminal_lacks_are_escaped(charset: str) -> None:
    async with fake_service(build_database_page(RECORD | {"nickname": "a😀"})) as service:
        result = await run_command("list", charset=charset, PGVEND_URL=service.url)
    assert "\na\\U0001f600  " in result.stdout, result.stderr


@pytest.mark.parametrize("command", ["keys create", "keys revoke pgv_00000000"])
async def test_control_characters_of_a_key_are_escaped(command: str) -> None:
    odd = KEY | {"key": "k\x1b[31m", "id": "k\x1b[31m", "notices": []}
    async with fake_service(odd) as service:
        result = await service.run_pgvend(*command.split())
    assert result.stdout.startswith(r"k\x1b[31m")

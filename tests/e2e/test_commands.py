"""The requests of each command, and what it prints of the answer."""

import json
from typing import Any

import pytest

from entrypoints.formats import FORMATS
from tests.support.fake_service import (
    CONNECTION,
    DOMAIN_CONNECTION,
    EXTENSIONS,
    KEY,
    RECONCILE_RESULT,
    RECORD,
    RECORD_WITH_CONNECTION,
    RECORD_WITH_EXTENSION,
    fake_service,
)

WEBHOOK = {
    "id": "wh_1",
    "url": "https://hooks.example/",
    "events": ["database.created", "database.failed"],
    "all_callers": False,
    "caller": "ann",
    "created_at": "2026-01-02T03:04:05Z",
    "waiting": 1,
    "given_up": 0,
    "last_error": None,
}
NEW_WEBHOOK = WEBHOOK | {"secret": "whsec_AAAA"}
WEBHOOK_OPTIONS = "--events database.created,database.failed --all-callers"

CALLER = {"caller": "ann", "scopes": ["create", "read"], "quota": None}
NEW_KEY = KEY | {"key": "pgv_00000000_secret", "notices": []}


def build_key_body(**members: Any) -> dict[str, Any]:
    usual = {"name": None, "scopes": ["create", "read"], "quota": None, "rate": None, "ttl": None}
    return {**usual, "origins": [], **members}


FULL_CREATE_BODY = {"nickname": "n", "ttl": "2h", "labels": {"team": "a", "run": "1"}}
ORIGINS = ["https://app.example", "http://localhost:5173"]
FULL_KEY_BODY = {"scopes": ["create", "manage"], "quota": 20, "rate": "10/min", "ttl": "90d"}

KEY_OPTIONS = (
    "--scope create,manage --quota 20 --rate 10/min --ttl 90d"
    " --origin https://app.example --origin http://localhost:5173"
)

COMMANDS: dict[str, tuple[Any, str, Any]] = {
    "create n": (RECORD_WITH_CONNECTION, "POST databases", {"nickname": "n"}),
    "create n --ttl 2h --label team=a --label run=1 --extension vector": (
        RECORD_WITH_CONNECTION,
        "POST databases",
        FULL_CREATE_BODY | {"extensions": ["vector"]},
    ),
    "show db_1": (RECORD, "GET databases/db_1?size=true", None),
    "whoami": (CALLER, "GET whoami", None),
    "connection db_1": (CONNECTION, "GET databases/db_1/connection?verify=true", None),
    "reconcile": ({"results": [RECONCILE_RESULT]}, "POST reconciliations", {"dry_run": False}),
    "reconcile --dry-run": ({"results": []}, "POST reconciliations", {"dry_run": True}),
    "extensions list": (EXTENSIONS, "GET extensions", None),
    "keys create": (NEW_KEY, "POST keys", build_key_body()),
    f"keys create web {KEY_OPTIONS}": (
        NEW_KEY,
        "POST keys",
        build_key_body(name="web", origins=ORIGINS, **FULL_KEY_BODY),
    ),
    "webhook create https://hooks.example/": (
        NEW_WEBHOOK,
        "POST webhooks",
        {"url": "https://hooks.example/", "events": None, "all_callers": False},
    ),
    f"webhook create https://hooks.example/ {WEBHOOK_OPTIONS}": (
        NEW_WEBHOOK,
        "POST webhooks",
        {
            "url": "https://hooks.example/",
            "events": ["database.created", "database.failed"],
            "all_callers": True,
        },
    ),
    "webhook list": ({"webhooks": [WEBHOOK]}, "GET webhooks", None),
    "webhook test wh_1": (WEBHOOK, "POST webhooks/wh_1/test", None),
    "webhook rotate wh_1": (NEW_WEBHOOK, "POST webhooks/wh_1/rotate", None),
    "webhook delete wh_1": (WEBHOOK, "DELETE webhooks/wh_1", None),
    "keys revoke pgv_00000000": (KEY, "DELETE keys/pgv_00000000", None),
}


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_sends_one_request_and_prints_json_on_request(command: str) -> None:
    answer, expected_request, body = COMMANDS[command]
    async with fake_service(answer) as service:
        result = await service.run_pgvend(*command.split(), "--json")

    assert result.status == 0, result.stderr
    assert json.loads(result.stdout) == answer
    method, _, path = expected_request.partition(" ")
    assert service.requests == [(method, f"/v1/{path}", body)]


BY_NAME: dict[str, tuple[Any, str, Any]] = {
    "extend 24h": (RECORD, "PATCH databases/db_1", {"ttl": "24h"}),
    "extend never": (RECORD, "PATCH databases/db_1", {"ttl": None}),
    # without a body, as older services expect it
    "rotate": (RECORD_WITH_CONNECTION, "POST databases/db_1/rotate", None),
    "rotate --end-sessions": (
        RECORD_WITH_CONNECTION,
        "POST databases/db_1/rotate",
        {"end_sessions": True},
    ),
    "restore": (RECORD_WITH_CONNECTION, "POST databases/db_1/restore", {}),
    "restore --ttl 7d": (RECORD_WITH_CONNECTION, "POST databases/db_1/restore", {"ttl": "7d"}),
    "extensions add vector": (
        RECORD_WITH_EXTENSION,
        "POST databases/db_1/extensions",
        {"name": "vector"},
    ),
}


@pytest.mark.parametrize("command", BY_NAME)
async def test_a_command_finds_the_database_by_its_name_and_uses_its_id(command: str) -> None:
    answer, expected_request, body = BY_NAME[command]
    words = command.split()
    words.insert(2 if words[0] == "extensions" else 1, "Sales 2024")
    async with fake_service(RECORD, answer) as service:
        result = await service.run_pgvend(*words, "--json")

    assert result.status == 0, result.stderr
    assert json.loads(result.stdout) == answer
    method, _, path = expected_request.partition(" ")
    assert service.requests == [
        ("GET", "/v1/databases/Sales%202024", None),
        (method, f"/v1/{path}", body),
    ]


URI = CONNECTION["uri"]

PRINTED: dict[str, tuple[Any, str]] = {
    "whoami": (CALLER, "caller  ann\nscopes  create\nscopes  read\nquota   -"),
    "create n": (RECORD_WITH_CONNECTION, URI),
    "create n --env": (RECORD_WITH_CONNECTION, FORMATS["env"].render(DOMAIN_CONNECTION)),
    "rotate db_1": (RECORD_WITH_CONNECTION, URI),  # which is also what finds it
    "restore db_1": (RECORD_WITH_CONNECTION, URI),
    **{
        f"connection db_1 --format {name}": (CONNECTION, FORMATS[name].render(DOMAIN_CONNECTION))
        for name in ("json", "env", "k8s-secret")
    },
    "keys create": (NEW_KEY, "pgv_00000000_secret"),
    "webhook create https://hooks.example/": (NEW_WEBHOOK, "ID    SECRET\nwh_1  whsec_AAAA"),
    "webhook rotate wh_1": (NEW_WEBHOOK, "ID    SECRET\nwh_1  whsec_AAAA"),
    "webhook test wh_1": (WEBHOOK, "https://hooks.example/ accepted a test message"),
    "webhook delete wh_1": (WEBHOOK, "wh_1 is deleted"),
    "keys revoke pgv_00000000": (KEY, "pgv_00000000 is revoked"),
    "list": (
        {"databases": [], "next_page_token": ""},
        "NICKNAME  DATABASE  STATE  EXPIRES  SIZE  CALLER  LABELS  ID",
    ),
}


@pytest.mark.parametrize("command", PRINTED)
async def test_a_command_prints_only_its_result(command: str) -> None:
    answer, expected_output = PRINTED[command]
    async with fake_service(answer, answer) as service:
        result = await service.run_pgvend(*command.split())
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == expected_output.rstrip("\n") + "\n"


async def test_a_record_is_printed_line_by_line() -> None:
    async with fake_service(RECORD) as service:
        lines = (await service.run_pgvend("show", "db_1")).stdout.splitlines()

    assert {
        "nickname    Sales 2024",
        "labels      team=a, run=1",
        "expires_at  -",
        "steps       provision done 2026-01-02T03:04:06Z",
        "steps       delete failed 2026-01-02T03:04:07Z No luck.",
    } <= set(lines)


async def test_notices_about_a_new_key_are_printed_to_stderr() -> None:
    notice = "A key for web pages can only have the scope create; removed: read."
    async with fake_service(NEW_KEY | {"notices": [notice]}, status=201) as service:
        result = await service.run_pgvend("keys", "create", "web")
    assert (result.stdout, result.stderr) == ("pgv_00000000_secret\n", f"pgvend: {notice}\n")


@pytest.mark.parametrize("nickname", ["--help-me", "'; echo", "🚀 rocket", "$(id)"])
async def test_any_nickname_is_sent_unchanged(nickname: str) -> None:
    async with fake_service(RECORD_WITH_CONNECTION) as service:
        await service.run_pgvend("create", "--", nickname)
    assert service.requests == [("POST", "/v1/databases", {"nickname": nickname})]

"""The requests of each command, and what it prints of the answer."""

import json
from typing import Any

import pytest

from entrypoints.formats import FORMATS
from tests.support.command_line import run_command
from tests.support.fake_service import CONNECTION, HANDED_OUT, RECORD, VENDED, fake_service

RESULT = {"action": "delete", "id": "db_1", "database": "x", "outcome": "done", "detail": ""}

KEY: dict[str, Any] = {
    "id": "pgv_00000000",
    "name": "web",
    "scopes": ["create", "read"],
    "quota": 3,
    "rate": "10/min",
    "origins": [],
    "created_at": "2026-01-02T03:04:05Z",
    "expires_at": None,
    "revoked_at": None,
}
NEW_KEY = KEY | {"key": "pgv_00000000_secret", "notices": []}

ENTRY = {
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


EXTENSIONS = {"extensions": [{"name": "vector", "version": "0.8.6", "description": "vectors"}]}
RECORD_WITH_EXTENSION = RECORD | {"extensions": ["hstore", "vector"]}


def databases(*records: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"databases": list(records), "next_page_token": following}


def entries(*events: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"audit_events": list(events), "next_page_token": following}


def key_page(*keys: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"keys": list(keys), "next_page_token": following}


def create_key_body(**given: Any) -> dict[str, Any]:
    usual = {"name": None, "scopes": ["create", "read"], "quota": None, "rate": None, "ttl": None}
    return {**usual, "origins": [], **given}


FULL_CREATE_BODY = {"nickname": "n", "ttl": "2h", "labels": {"team": "a", "run": "1"}}
ORIGINS = ["https://app.example", "http://localhost:5173"]
FULL_KEY_BODY = {"scopes": ["create", "manage"], "quota": 20, "rate": "10/min", "ttl": "90d"}

KEY_OPTIONS = (
    "--scope create,manage --quota 20 --rate 10/min --ttl 90d"
    " --origin https://app.example --origin http://localhost:5173"
)

COMMANDS: dict[str, tuple[Any, str, Any]] = {
    "create n": (VENDED, "POST databases", {"nickname": "n"}),
    "create n --ttl 2h --label team=a --label run=1 --extension vector": (
        VENDED,
        "POST databases",
        FULL_CREATE_BODY | {"extensions": ["vector"]},
    ),
    "show db_1": (RECORD, "GET databases/db_1", None),
    "delete db_1": (RECORD, "DELETE databases/db_1", None),
    "extend db_1 24h": (RECORD, "PATCH databases/db_1", {"ttl": "24h"}),
    "rotate db_1": (VENDED, "POST databases/db_1/rotate", None),  # as older services take it
    "rotate db_1 --end-sessions": (VENDED, "POST databases/db_1/rotate", {"end_sessions": True}),
    "restore db_1": (VENDED, "POST databases/db_1/restore", {}),
    "restore db_1 --ttl 7d": (VENDED, "POST databases/db_1/restore", {"ttl": "7d"}),
    "connection db_1": (CONNECTION, "GET databases/db_1/connection?verify=true", None),
    "reconcile": ({"results": [RESULT]}, "POST reconciliations", {"dry_run": False}),
    "reconcile --dry-run": ({"results": []}, "POST reconciliations", {"dry_run": True}),
    "extensions list": (EXTENSIONS, "GET extensions", None),
    "extensions add db_1 vector": (
        RECORD_WITH_EXTENSION,
        "POST databases/db_1/extensions",
        {"name": "vector"},
    ),
    "keys create": (NEW_KEY, "POST keys", create_key_body()),
    f"keys create web {KEY_OPTIONS}": (
        NEW_KEY,
        "POST keys",
        create_key_body(name="web", origins=ORIGINS, **FULL_KEY_BODY),
    ),
    "keys revoke pgv_00000000": (KEY, "DELETE keys/pgv_00000000", None),
}


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_sends_one_request_and_prints_json_on_request(command: str) -> None:
    answer, asked, body = COMMANDS[command]
    async with fake_service(answer) as service:
        ran = await service.run_pgvend(*command.split(), "--json")

    assert ran.status == 0, ran.stderr
    assert json.loads(ran.stdout) == answer
    method, _, path = asked.partition(" ")
    assert service.asked == [(method, f"/v1/{path}", body)]


URI = CONNECTION["uri"]

PRINTED: dict[str, tuple[Any, str]] = {
    "create n": (VENDED, URI),
    "create n --env": (VENDED, FORMATS["env"].render(HANDED_OUT)),
    "rotate db_1": (VENDED, URI),
    "restore db_1": (VENDED, URI),
    **{
        f"connection db_1 --format {name}": (CONNECTION, FORMATS[name].render(HANDED_OUT))
        for name in ("json", "env", "k8s-secret")
    },
    "keys create": (NEW_KEY, "pgv_00000000_secret"),
    "keys revoke pgv_00000000": (KEY, "pgv_00000000 is revoked"),
    "list": (databases(), "ID  STATE  DATABASE  EXPIRES_AT  NICKNAME"),
}


@pytest.mark.parametrize("command", PRINTED)
async def test_a_command_prints_only_its_result(command: str) -> None:
    answer, printed = PRINTED[command]
    async with fake_service(answer) as service:
        ran = await service.run_pgvend(*command.split())
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout == printed.rstrip("\n") + "\n"


TABLES: dict[str, tuple[Any, list[str]]] = {
    "list": (
        databases(RECORD, RECORD | {"id": "db_2", "expires_at": "2026-02-03T04:05:06Z"}),
        [
            "ID    STATE  DATABASE   EXPIRES_AT            NICKNAME",
            "db_1  ready  sales2024  -                     Sales 2024",
            "db_2  ready  sales2024  2026-02-03T04:05:06Z  Sales 2024",
        ],
    ),
    "reconcile": (
        {"results": [RESULT, RESULT | {"id": "db_22", "detail": "a b"}]},
        [
            "ACTION  ID     DATABASE  OUTCOME  DETAIL",
            "delete  db_1   x         done     -",
            "delete  db_22  x         done     a b",
        ],
    ),
    "extensions list": (EXTENSIONS, ["NAME    VERSION  DESCRIPTION", "vector  0.8.6    vectors"]),
    "extensions add db_1 vector": (
        RECORD_WITH_EXTENSION,
        ["ID    STATE  EXTENSIONS", "db_1  ready  hstore, vector"],
    ),
    "keys list": (
        key_page(KEY),
        [
            "ID            NAME  SCOPES        QUOTA  RATE    ORIGINS  EXPIRES_AT  REVOKED_AT",
            "pgv_00000000  web   create, read  3      10/min  -        -           -",
        ],
    ),
    "audit": (
        entries(ENTRY, ENTRY | {"action": "reconcile", "key": "", "subject": ""}),
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
    async with fake_service(answer) as service:
        ran = await service.run_pgvend(*command.split())
    assert ran.stdout.splitlines() == lines


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
        ran = await service.run_pgvend("keys", "create", "web")
    assert (ran.stdout, ran.stderr) == ("pgv_00000000_secret\n", f"pgvend: {notice}\n")


async def test_a_list_follows_all_pages_with_its_filters() -> None:
    options = ("--state", "ready", "--state", "expired", "--label", "team=a&b")
    second = RECORD | {"id": "db_2"}
    async with fake_service(databases(RECORD, following="a+b"), databases(second)) as service:
        ran = await service.run_pgvend("list", *options, "--json")

    assert json.loads(ran.stdout) == {"databases": [RECORD, second]}
    (_, first, _), (_, following, _) = service.asked
    assert first.startswith("/v1/databases?state=ready&state=expired&label=team%3Da%26b&")
    assert "page_token=a%2Bb" in following


async def test_keys_are_listed_from_all_pages() -> None:
    second = KEY | {"id": "pgv_11111111"}
    async with fake_service(key_page(KEY, following="a+b"), key_page(second)) as service:
        ran = await service.run_pgvend("keys", "list", "--json")

    assert json.loads(ran.stdout) == {"keys": [KEY, second]}
    (_, first, _), (_, following, _) = service.asked
    assert first.startswith("/v1/keys?page_size=")
    assert "page_token=a%2Bb" in following


async def test_audit_events_are_read_up_to_the_limit() -> None:
    found = [ENTRY | {"id": f"aud_{number}"} for number in range(3)]
    pages = [entries(*found[:2], following="a+b"), entries(found[2], following="more")]
    options = ("--caller", "a&b", "--subject", "db_1", "--limit", "3", "--json")
    async with fake_service(*pages) as service:
        ran = await service.run_pgvend("audit", *options)

    assert json.loads(ran.stdout) == {"audit_events": found}
    (_, first, _), (_, following, _) = service.asked
    assert first.startswith("/v1/audit-events?caller=a%26b&subject=db_1&page_size=")
    assert "page_token=a%2Bb" in following


async def test_control_characters_of_a_nickname_are_escaped() -> None:
    odd = RECORD | {"nickname": "safe\u202egpj.\u2066x\x1b[31m\n\t😀"}
    async with fake_service(databases(odd)) as service:
        ran = await service.run_pgvend("list")
    assert ran.stdout.endswith("  safe\\u202egpj.\\u2066x\\x1b[31m\\n\\t😀\n")


@pytest.mark.parametrize("charset", ["ascii", "latin-1"])
async def test_characters_that_the_terminal_lacks_are_escaped(charset: str) -> None:
    async with fake_service(databases(RECORD | {"nickname": "a😀"})) as service:
        ran = await run_command("list", charset=charset, PGVEND_URL=service.url)
    assert ran.stdout.endswith("a\\U0001f600\n"), ran.stderr


@pytest.mark.parametrize("nickname", ["--help-me", "'; echo", "🚀 rocket", "$(id)"])
async def test_any_nickname_is_sent_unchanged(nickname: str) -> None:
    async with fake_service(VENDED) as service:
        await service.run_pgvend("create", "--", nickname)
    assert service.asked == [("POST", "/v1/databases", {"nickname": nickname})]

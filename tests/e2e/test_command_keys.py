"""`pgvend keys` and `pgvend audit`."""

import json
from typing import Any

import pytest

from entrypoints.cli.keys import HEADS
from tests.support.command_line import pgvend
from tests.support.fake_service import fake_service
from tests.support.keyholders import ADMIN_KEY, guarded_app

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
MADE = KEY | {"key": "pgv_00000000_secret", "notices": []}

ENTRY = {
    "id": "aud_1",
    "at": "2026-01-02T03:04:05Z",
    "caller": "ann",
    "key": "pgv_00000000",
    "action": "createDatabase",
    "subject": "db_1",
    "address": "192.0.2.1",
    "request_id": "r",
    "outcome": "done",
}


def page(*entries: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"entries": list(entries), "next_page_token": following}


async def test_a_new_key_is_all_that_is_printed() -> None:
    """So that it can be put into a variable."""
    async with fake_service(MADE, status=201) as service:
        told = await service.pgvend("keys", "create", "web")

    assert (told.status, told.stdout, told.stderr) == (0, "pgv_00000000_secret\n", "")


async def test_a_key_without_options_can_create_and_read() -> None:
    async with fake_service(MADE, status=201) as service:
        await service.pgvend("keys", "create")

    assert service.asked == [
        (
            "POST",
            "/v1/keys",
            {
                "name": None,
                "scopes": ["create", "read"],
                "quota": None,
                "rate": None,
                "ttl": None,
                "origins": [],
            },
        )
    ]


async def test_all_options_are_passed_on() -> None:
    options = ("--scope", "create, manage", "--quota", "20", "--rate", "10/min", "--ttl", "90d")
    origins = ("--origin", "https://app.example", "--origin", "http://localhost:5173")
    async with fake_service(MADE, status=201) as service:
        await service.pgvend("keys", "create", "web", *options, *origins)

    [(_, _, body)] = service.asked
    assert body == {
        "name": "web",
        "scopes": ["create", "manage"],
        "quota": 20,
        "rate": "10/min",
        "ttl": "90d",
        "origins": ["https://app.example", "http://localhost:5173"],
    }


async def test_what_its_maker_may_not_expect_is_told_beside_the_key() -> None:
    made = MADE | {"notices": ["A key for web pages can only create: read left out."]}
    async with fake_service(made, status=201) as service:
        told = await service.pgvend("keys", "create", "web")

    assert told.stdout == "pgv_00000000_secret\n"
    assert told.stderr == "pgvend: A key for web pages can only create: read left out.\n"


async def test_keys_are_a_table() -> None:
    async with fake_service({"keys": [KEY]}) as service:
        told = await service.pgvend("keys", "list")

    head, line = told.stdout.splitlines()
    assert head.lower().split() == [*HEADS]
    assert line.split() == ["pgv_00000000", "web", "create,", "read", "3", "10/min", "-", "-", "-"]


async def test_a_revoked_key_is_said_to_be() -> None:
    async with fake_service(KEY) as service:
        told = await service.pgvend("keys", "revoke", "pgv_00000000")

    assert (told.status, told.stdout) == (0, "pgv_00000000 is revoked\n")
    assert service.asked == [("DELETE", "/v1/keys/pgv_00000000", None)]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (["keys", "create"], MADE),
        (["keys", "list"], {"keys": [KEY]}),
        (["keys", "revoke", "pgv_00000000"], KEY),
        (["audit"], page(ENTRY) | {"next_page_token": ""}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_the_whole_answer_can_be_printed(command: list[str], answer: Any) -> None:
    async with fake_service(answer) as service:
        told = await service.pgvend(*command, "--json")

    whole = {name: value for name, value in answer.items() if name != "next_page_token"}
    assert json.loads(told.stdout) == whole


@pytest.mark.parametrize(
    "command",
    [["keys", "create"], ["keys", "list"], ["keys", "revoke", "x"], ["audit"]],
    ids=" ".join,
)
async def test_what_is_no_pgvend_is_said_to_be_none(command: list[str]) -> None:
    async with fake_service({"something": "else"}) as service:
        told = await service.pgvend(*command)

    assert told.status == 1
    assert "is no pgvend" in told.stderr


async def test_the_trail_is_a_table() -> None:
    async with fake_service(page(ENTRY, ENTRY | {"key": "", "subject": ""})) as service:
        told = await service.pgvend("audit")

    head, first, second = told.stdout.splitlines()
    assert head.split() == ["AT", "CALLER", "KEY", "ACTION", "SUBJECT", "ADDRESS", "OUTCOME"]
    assert first.split()[1:4] == ["ann", "pgv_00000000", "createDatabase"]
    assert first.split()[4:] == ["db_1", "192.0.2.1", "done"]
    assert second.split()[1:] == ["ann", "-", "createDatabase", "-", "192.0.2.1", "done"]


async def test_the_trail_can_be_asked_for_one_caller_and_one_subject() -> None:
    async with fake_service(page()) as service:
        await service.pgvend("audit", "--caller", "a&b", "--subject", "db_1")

    [(_, path, _)] = service.asked
    assert path.startswith("/v1/audit?caller=a%26b&subject=db_1&page_size=")


async def test_no_more_pages_are_asked_for_than_are_needed() -> None:
    entries = [ENTRY | {"id": f"aud_{number}"} for number in range(3)]
    pages = [page(*entries[:2], following="a+b"), page(entries[2], following="more")]
    async with fake_service(*pages) as service:
        told = await service.pgvend("audit", "--limit", "3", "--json")

    assert json.loads(told.stdout) == {"entries": entries}
    assert "page_token=a%2Bb" in service.asked[1][1]


async def test_a_whole_story_on_the_command_line() -> None:
    async with guarded_app() as guarded:
        url = f"http://127.0.0.1:{guarded.app.port}"
        admin = {"PGVEND_URL": url, "PGVEND_KEY": ADMIN_KEY}
        made = await pgvend("keys", "create", "web", **admin)
        web = {"PGVEND_URL": url, "PGVEND_KEY": made.stdout.strip()}
        vended = await pgvend("create", "Sales", **web)
        forbidden = await pgvend("keys", "list", **web)
        await pgvend("keys", "revoke", made.stdout[:12], **admin)
        refused = await pgvend("list", **web)
        trail = await pgvend("audit", "--caller", "web", **admin)

    assert vended.stdout.startswith("postgresql://"), vended.stderr
    assert "takes one with the scope admin" in forbidden.stderr
    assert "was revoked" in refused.stderr
    assert [line.split()[3] for line in trail.stdout.splitlines()[1:]] == ["createDatabase"]


async def test_without_a_key_one_is_told_where_to_put_it() -> None:
    async with guarded_app() as guarded:
        told = await pgvend("list", PGVEND_URL=f"http://127.0.0.1:{guarded.app.port}")

    assert told.status == 1
    assert "PGVEND_KEY" in told.stderr

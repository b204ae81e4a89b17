"""Without keys, a web page cannot reach the service by a name that it has made this machine's."""

from typing import Any

import pytest

from tests.support.apps import RunningApp, problem_in, running_app
from tests.support.wires import asked, request, wire_to

HERE = [
    "localhost",
    "LocalHost:8000",
    "localhost.",
    "127.0.0.1",
    "127.0.0.1:8000",
    "127.1.2.3",
    "[::1]",
    "[::1]:8000",
    "pgvend.localhost:8000",
]
ELSEWHERE = [
    "attacker.example",
    "attacker.example:8000",
    "localhost.attacker.example",
    "127.0.0.1.attacker.example",
    "attackerlocalhost",
    "localhost@attacker.example",
    "attacker.example:80@localhost",
    "10.0.0.1",
    "0.0.0.0",
    "[2001:db8::1]",
    "[::1",
    "::1",
    "localhost attacker.example",
    "l\u043ecalhost".encode().decode("latin-1"),
]

KEYS: dict[str, Any] = {"api_keys": "web=0123456789abcdef0123"}


@pytest.mark.parametrize("host", HERE)
async def test_it_answers_by_names_of_this_machine(app: RunningApp, host: str) -> None:
    assert (await app.ask("GET", "/v1/databases", headers={"Host": host})).status == 200


@pytest.mark.parametrize("host", ELSEWHERE)
async def test_it_does_not_answer_by_other_names(app: RunningApp, host: str) -> None:
    answer = await asked(app.port, _for_host(host))

    problem_in(answer, 421, "misdirected_request")


@pytest.mark.parametrize("path", ["/livez", "/docs", "/nowhere", "/api/test", "/openapi.json"])
async def test_no_address_is_an_exception(app: RunningApp, path: str) -> None:
    problem_in(await asked(app.port, request(path, Host="a.example")), 421, "misdirected_request")


async def test_an_order_by_another_name_makes_nothing(app: RunningApp) -> None:
    headers = {"Host": "attacker.example"}
    answer = await app.ask("POST", "/v1/databases", {"nickname": "theirs"}, headers)

    problem_in(answer, 421, "misdirected_request")
    assert await app.nothing_is_left()


async def test_what_a_page_says_a_proxy_said_changes_nothing() -> None:
    async with running_app(trusted_proxies="127.0.0.1") as app:
        sent = request(Host="attacker.example", X_Forwarded_Host="localhost")

        problem_in(await asked(app.port, sent), 421, "misdirected_request")


async def test_one_of_two_names_that_is_another_is_too_many(app: RunningApp) -> None:
    sent = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n"

    assert (await asked(app.port, sent)).status in {400, 421}


async def test_a_machine_that_names_no_host_is_no_browser(app: RunningApp) -> None:
    async with wire_to(app.port) as wire:
        assert (await wire.ask(b"GET /livez HTTP/1.0\r\n\r\n")).status == 200


async def test_with_keys_it_answers_by_any_name() -> None:
    async with running_app(**KEYS) as app:
        assert (await app.ask("GET", "/livez", headers={"Host": "db.example"})).status == 200


def _for_host(host: str) -> bytes:
    return b"GET /livez HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\n\r\n"

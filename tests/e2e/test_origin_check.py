"""Without keys, foreign web pages cannot use the service: neither by a name that resolves to this
machine, nor by a request that changes something."""

from itertools import product
from typing import Any

import pytest

from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import RunningApp, check_problem, read_problem, running_app
from tests.support.raw_connections import ask_once, connect_raw, request

LOCAL_HOSTS = [
    *("localhost", "LocalHost:8000", "localhost.", "127.0.0.1", "127.0.0.1:8000", "127.1.2.3"),
    *("[::1]", "[::1]:8000", "pgvend.localhost:8000"),
]
OTHER_HOSTS = [
    *("attacker.example", "attacker.example:8000", "localhost.attacker.example"),
    *("127.0.0.1.attacker.example", "attackerlocalhost", "localhost@attacker.example"),
    *("attacker.example:80@localhost", "10.0.0.1", "0.0.0.0", "[2001:db8::1]", "[::1", "::1"),
    *("localhost attacker.example", "l\u043ecalhost".encode().decode("latin-1")),
]
FOREIGN_ORIGINS = [
    *("https://attacker.example", "null", "http://localhost.attacker.example:8000"),
    *("https://localhost@attacker.example", "file://", "file://localhost", "capacitor://localhost"),
    *("ionic://localhost", "chrome-extension://localhost", "localhost", "//localhost"),
    *("http://localhost, https://attacker.example", ""),
]
CHANGING_ROUTES = [route for route in ROUTES if route.method not in {"GET", "HEAD", "OPTIONS"}]
CONTENT_TYPES = [
    *("application/json", "application/merge-patch+json", "text/plain", "multipart/form-data"),
    "application/x-www-form-urlencoded",
]

KEY = "0123456789abcdef0123"
KEYS: dict[str, Any] = {"admin_key": KEY}


@pytest.mark.parametrize("host", LOCAL_HOSTS)
async def test_names_of_this_machine_are_answered(app: RunningApp, host: str) -> None:
    assert (await app.ask("GET", "/v1/databases", headers={"Host": host})).status == 200


@pytest.mark.parametrize("host", OTHER_HOSTS)
async def test_other_names_are_refused(app: RunningApp, host: str) -> None:
    sent = b"GET /livez HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\n\r\n"
    check_problem(await ask_once(app.port, sent), 421, "misdirected_request")


@pytest.mark.parametrize("path", ["/livez", "/docs", "/nowhere", "/api/test", "/openapi.json"])
async def test_all_paths_and_proxies_are_checked(path: str) -> None:
    async with running_app(trusted_proxies="127.0.0.1") as app:
        for more in ({}, {"X_Forwarded_Host": "localhost"}):
            answer = await ask_once(app.port, request(path, Host="attacker.example", **more))
            check_problem(answer, 421, "misdirected_request")


async def test_a_creation_under_another_name_creates_nothing(app: RunningApp) -> None:
    headers = {"Host": "attacker.example"}
    answer = await app.ask("POST", "/v1/databases", {"nickname": "theirs"}, headers)
    check_problem(answer, 421, "misdirected_request")
    assert await app.is_empty()


async def test_a_second_host_header_is_refused(app: RunningApp) -> None:
    sent = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n"
    assert (await ask_once(app.port, sent)).status in {400, 421}


async def test_a_request_without_a_host_is_answered(app: RunningApp) -> None:
    async with connect_raw(app.port) as wire:
        assert (await wire.ask(b"GET /livez HTTP/1.0\r\n\r\n")).status == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize("insecure", [False, True])
async def test_a_foreign_page_cannot_rotate_a_password(origin: str, insecure: bool) -> None:
    async with running_app(insecure=insecure) as app:
        database = await app.create_database()
        path = f"/v1/databases/{database['id']}/rotate"
        answer = await app.ask("POST", path, headers={"Origin": origin})
        check_problem(answer, 403, "forbidden")
        assert app.accepts(database["connection"])


@pytest.mark.parametrize("origin", ["null", "capacitor://localhost", "https://attacker.example"])
async def test_a_foreign_page_cannot_change_anything(app: RunningApp, origin: str) -> None:
    assert {"POST", "PATCH", "DELETE"} <= {route.method for route in CHANGING_ROUTES}
    for route, kind in product(CHANGING_ROUTES, CONTENT_TYPES):
        headers = {"Origin": origin, "Content-Type": kind}
        path = route.path.replace("{id}", "db_1")
        async with app.client.request(route.method, path, data=b"{}", headers=headers) as answer:
            await read_problem(answer, 403, "forbidden")
    assert await app.is_empty()


async def test_two_origins_are_refused_if_one_is_foreign(app: RunningApp) -> None:
    both = [("Origin", "http://localhost"), ("Origin", "https://attacker.example")]
    check_problem(await app.ask("POST", "/v1/reconciliations", headers=both), 403, "forbidden")


ALLOW_LIST: dict[str, Any] = {"cors_allow_origins": "https://app.example"}
ALLOWED_REQUESTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a page of this machine": (ALLOW_LIST, {"Origin": "http://localhost:3000"}),
    "and by its address": (ALLOW_LIST, {"Origin": "http://127.0.0.1"}),
    "a page of the list": (ALLOW_LIST, {"Origin": "https://App.example"}),
    "a page of the service": (
        {"insecure": True},
        {"Origin": "http://db.example:8000", "Host": "db.example:8000"},
    ),
    "a program": ({}, {}),
    "any page where all are allowed": ({"cors_allow_origins": "*"}, {"Origin": "null"}),
    "any page with a key": (
        KEYS,
        {"Origin": "https://anywhere.example", "Authorization": f"Bearer {KEY}"},
    ),
    "any name with a key": (KEYS, {"Host": "db.example", "Authorization": f"Bearer {KEY}"}),
}


@pytest.mark.parametrize("who", ALLOWED_REQUESTS)
async def test_allowed_pages_and_programs_may_make_changes(who: str) -> None:
    settings, headers = ALLOWED_REQUESTS[who]
    async with running_app(**settings) as app:
        assert (await app.ask("POST", "/v1/reconciliations", headers=headers)).status == 200

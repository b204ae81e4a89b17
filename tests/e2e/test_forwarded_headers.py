"""Forwarded headers are used only from trusted proxies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from entrypoints.config.settings import Settings
from entrypoints.http.api.context import CLIENT_ADDRESS, IS_SECURE
from entrypoints.http.middleware.forwarded_headers import resolve_client_address
from tests.support.apps import running_app
from tests.support.raw_connections import ask_once, request

HSTS = "Strict-Transport-Security"
KEYS: dict[str, Any] = {"api_keys": "web=0123456789abcdef0123"}
LOOPBACK = "127.0.0.1"
CALLER = "203.0.113.7"
PROXIES = "127.0.0.1, 10.0.0.0/8, 2001:db8::/32"


FORWARDED = {
    CALLER: CALLER,
    f"{CALLER}, 10.0.0.1": CALLER,
    f"{CALLER},10.0.0.1 ,\t10.9.9.9": CALLER,
    f"198.51.100.1, {CALLER}": CALLER,  # the caller's own entry comes first
    f"127.0.0.1, {CALLER}": CALLER,
    f"10.0.0.1, {CALLER}, 10.0.0.2": CALLER,
    "10.0.0.1": "10.0.0.1",
    "10.0.0.1, 10.0.0.2": "10.0.0.1",
    "203.0.113.7:50000": CALLER,
    "::ffff:203.0.113.7": CALLER,
    "::FFFF:CB00:7107": CALLER,
    "[2001:DB9:0:0::7]:443": "2001:db9::7",
    "[2001:db9::7]": "2001:db9::7",
    "2001:db9:0000::0007": "2001:db9::7",
    "fe80::1%eth0": "fe80::1",
    f"{CALLER}, [2001:db8::1]:50000": CALLER,
    ",".join([CALLER, *["10.0.0.1"] * 800]): CALLER,
}

MALFORMED = [
    *("", ",", "unknown", "_hidden", "203.0.113.7.9", "203.0.113.007", "0x7f000001", "2130706433"),
    *("[::1", "]::[", "[]:1", ":80", "<script>", "' OR 1=1 --", "%", "é", "1.2.3.4;5.6.7.8"),
    "9" * 4000,
]


@pytest.mark.parametrize("proxies", ["", "10.0.0.0/8"])
@pytest.mark.parametrize("forwarded", [CALLER, f"{CALLER}, 10.0.0.1"])
async def test_untrusted_peers_cannot_set_the_address(proxies: str, forwarded: str) -> None:
    assert await _address(proxies, forwarded) == LOOPBACK


@pytest.mark.parametrize("forwarded", FORWARDED, ids=lambda forwarded: forwarded[:40])
async def test_the_caller_is_the_last_address_that_is_not_a_proxy(forwarded: str) -> None:
    assert await _address(PROXIES, forwarded) == FORWARDED[forwarded]


@pytest.mark.parametrize("malformed", MALFORMED, ids=lambda malformed: malformed[:20])
async def test_a_malformed_entry_yields_the_proxy_that_wrote_it(malformed: str) -> None:
    assert await _address(PROXIES, malformed) == LOOPBACK
    assert await _address(PROXIES, f"{CALLER}, {malformed}") == LOOPBACK
    assert await _address(PROXIES, f"{malformed}, 10.0.0.1") == "10.0.0.1"


async def test_several_headers_are_combined() -> None:
    sent = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
    assert (await _client_of(PROXIES, sent % CALLER.encode()))["address"] == CALLER


@pytest.mark.parametrize(
    ("proto", "proxies", "is_believed"),
    [
        *((proto, LOOPBACK, True) for proto in ("https", "HTTPS", "http, https", " https ")),
        *((proto, LOOPBACK, False) for proto in ("http", "", "https, http", "httpss", "é")),
        ("https", "10.0.0.1", False),
    ],
)
async def test_only_a_trusted_proxy_can_report_tls(
    proto: str, proxies: str, is_believed: bool
) -> None:
    async with running_app(trusted_proxies=proxies, **KEYS) as app:
        sent = request(Host="db.example", X_Forwarded_Proto=proto)
        headers = (await ask_once(app.port, sent)).headers
    assert headers.get(HSTS) == ("max-age=31536000" if is_believed else None)


async def _address(proxies: str, forwarded: str) -> str:
    """Return the caller's address as derived from a peer on 127.0.0.1."""
    return str((await _client_of(proxies, request("/", X_Forwarded_For=forwarded)))["address"])


async def _client_of(proxies: str, sent: bytes) -> dict[str, object]:
    async with _serve_client(proxies) as port:
        return dict((await ask_once(port, sent)).body)


@asynccontextmanager
async def _serve_client(proxies: str) -> AsyncIterator[int]:
    trusted = Settings(_env_file=None, trusted_proxies=proxies).trusted_proxies
    app = web.Application(middlewares=[resolve_client_address(trusted)])
    app.router.add_get("/", _answer_client)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _answer_client(request: web.Request) -> web.Response:
    return web.json_response({"address": request[CLIENT_ADDRESS], "is_secure": request[IS_SECURE]})

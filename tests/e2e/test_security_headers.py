"""Security headers are on every answer."""

from collections.abc import Mapping

import pytest

from tests.support.apps import RunningApp, running_app
from tests.support.raw_connections import connect_raw, request

PAGE = "https://app.example"

SENT = {
    "an answer": request("/v1/databases"),
    "an answer without a body": request("/livez", "HEAD"),
    "the original's answer": request("/api/test"),
    "the document": request("/openapi.json"),
    "a problem": request("/v1/databases/none"),
    "an unknown path": request("/nowhere"),
    "a method that is not allowed": request("/livez", "DELETE"),
    "a bad body": request("/v1/databases", "POST", Content_Length="0"),
    "another machine's name": request("/livez", Host="attacker.example"),
    "an unknown expectation": request("/livez", Expect="a miracle"),
    "malformed HTTP": b"\x00\x01\r\n\r\n",
    "a head that is too large": request("/" + "a" * 70_000),
    "a preflight": request(
        "/v1/databases", "OPTIONS", Origin=PAGE, Access_Control_Request_Method="POST"
    ),
    "a preflight that is refused": request(
        "/v1/databases",
        "OPTIONS",
        Origin="https://other.example",
        Access_Control_Request_Method="POST",
    ),
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT.keys())
async def test_every_answer_has_security_headers(sent: bytes) -> None:
    async with running_app(cors_allow_origins=PAGE) as app, connect_raw(app.port) as wire:
        wire.send(sent)
        _, headers = await wire.read_head()
    _check_security_headers(headers)


async def test_answers_are_not_cached(app: RunningApp) -> None:
    database = await app.create_database()
    for path in ("", f"/{database['id']}", f"/{database['id']}/connection", "/none"):
        answer = await app.ask("GET", f"/v1/databases{path}")
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_stream_has_security_headers(app: RunningApp) -> None:
    database = await app.create_database()
    async with app.client.get(f"/v1/databases/{database['id']}/events") as response:
        _check_security_headers(response.headers)


def _check_security_headers(headers: Mapping[str, str]) -> None:
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = "default-src 'none'; frame-ancestors 'none'"
    assert headers["Content-Security-Policy"] == policy
    assert "no-" in headers["Cache-Control"]
    assert headers["Server"] == "pgvend"
    assert headers["X-Request-ID"]

"""Any bytes are answered with a valid answer, never with an internal error."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import RunningApp, running_app
from tests.support.registries import stores_in_postgres, stores_in_sqlite
from tests.support.servers import OperatorsServer

EXAMPLES = 150
TIMEOUT = 60.0
"""Seconds for an answer on a busy machine; no test depends on this time."""

CALLS = [(route.method, route.path) for route in ROUTES]
WITH_BODY = [(route.method, route.path) for route in ROUTES if route.body]
IDS = ("db_01m845hj4671b14vrtcsaptbwq", "pgv_01234567", "docs.js")

HEADERS = (
    *("Accept", "Authorization", "Connection", "Content-Encoding", "Content-Type", "Cookie"),
    *("Expect", "Host", "Idempotency-Key", "If-Match", "Last-Event-ID", "Origin", "Prefer"),
    *("Range", "Upgrade", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID"),
)

ALMOST_VALID = (
    *(b"*", b'"1"', b'W/"1", "2"', b"4-settled", b"999999999-settled", b"\xed\xa0\x80\xff"),
    *(b"Bearer pgv_01234567_" + b"0" * 64, b"bearer ", b"respond-async, wait=1", b"100-continue"),
    *(b"application/json; charset=none", b"text/*;q=1e400, */*;q=nan", b"gzip, deflate, br"),
    *(b"[::ffff:127.0.0.1]:1, ::1%lo, 127.1, 1.2.3.4.5", b"https://app.example:99999"),
    *(b"close, Upgrade", b"websocket"),
)
"""Almost valid values, which parsers refuse late."""

MEMBERS = (
    *("nickname", "ttl", "labels", "extensions", "on_conflict", "dry_run", "project"),
    *("name", "scopes", "quota", "rate", "origins"),
)

calls = st.sampled_from(CALLS)
values = st.one_of(
    st.sampled_from(ALMOST_VALID),
    st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\r\n\0")),
    st.lists(st.sampled_from(ALMOST_VALID), max_size=6).map(b", ".join),
)
headers = st.lists(st.tuples(st.sampled_from(HEADERS), values), max_size=6)

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=70), inner),
    max_leaves=20,
)
words = st.text(max_size=80)
plausible = st.fixed_dictionaries(
    {"nickname": words},
    optional={
        "ttl": st.sampled_from(("24h", "P1D", "0s", "999999999w", "P1W1D")) | words,
        "labels": st.dictionaries(words | st.just("team"), words | st.just("web"), max_size=40),
        "extensions": st.lists(words | st.just("vector"), max_size=3),
        "on_conflict": st.sampled_from(("suffix", "reject")),
    },
)
bodies = st.one_of(
    st.binary(max_size=200),
    (documents | st.dictionaries(st.sampled_from(MEMBERS), documents)).map(
        lambda document: json.dumps(document).encode()
    ),
    plausible.map(lambda body: json.dumps(body, ensure_ascii=False).encode(errors="replace")),
    words.map(lambda name: json.dumps({"project": {"name": name}}).encode()),
    st.integers(1, 20_000).map(lambda depth: b"[" * depth),
)

odd_paths = st.one_of(
    st.binary(min_size=1, max_size=20).map(lambda raw: b"".join(b"%%%02X" % byte for byte in raw)),
    st.sampled_from((b"%00", b"%ED%A0%80", b"%ff", b"%2e%2e", b"%2F", b"db_%00", b"%", b"%zz")),
)
queries = st.lists(
    st.tuples(
        st.sampled_from((b"state", b"label", b"page_token", b"page_size", b"format", b"subject")),
        odd_paths | st.sampled_from((b"a=b", b"=", b"ready", b"json", b"4" * 400)),
    ),
    max_size=4,
).map(lambda pairs: b"&".join(b"=".join(pair) for pair in pairs))


@dataclass(frozen=True)
class RawAnswer:
    """An answer; `body` is its JSON, otherwise None."""

    status: int
    media_type: str
    body: Any


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def app(
    request: pytest.FixtureRequest, server_15: OperatorsServer
) -> AsyncIterator[RunningApp]:
    stores = stores_in_sqlite() if request.param == "sqlite" else stores_in_postgres(server_15)
    async with stores as records, running_app(records=records, trusted_proxies="127.0.0.1") as app:
        yield app


@settings(max_examples=EXAMPLES)
@given(call=calls, fields=headers, known=st.sampled_from(IDS))
async def test_odd_headers_are_answered(
    app: RunningApp, call: tuple[str, str], fields: list[tuple[str, bytes]], known: str
) -> None:
    method, path = call
    await check(app, create_request(method, path.replace("{id}", known).encode(), fields))


@settings(max_examples=EXAMPLES)
@given(call=st.sampled_from(WITH_BODY), body=bodies)
async def test_odd_bodies_are_answered(app: RunningApp, call: tuple[str, str], body: bytes) -> None:
    method, path = call
    fields = [("Content-Type", b"application/json")]
    await check(app, create_request(method, path.replace("{id}", IDS[0]).encode(), fields, body))


@settings(max_examples=EXAMPLES)
@given(call=calls, odd=odd_paths, query=queries)
async def test_odd_addresses_are_answered(
    app: RunningApp, call: tuple[str, str], odd: bytes, query: bytes
) -> None:
    method, path = call
    address = path.encode().replace(b"{id}", odd).replace(b"{asset}", odd) + b"?" + query
    await check(app, create_request(method, address))


@settings(max_examples=EXAMPLES)
@given(raw=st.binary(max_size=300))
async def test_malformed_http_is_answered(app: RunningApp, raw: bytes) -> None:
    """A valid request follows, so that the service does not wait for more."""
    await check(app, raw + b"\r\n\r\n" + create_request("GET", b"/livez"))


async def test_the_service_is_still_ready(app: RunningApp) -> None:
    assert (await app.get("/readyz"))["status"] == "ok"


async def test_an_unprintable_expectation_is_refused(app: RunningApp) -> None:
    request = create_request("GET", b"/livez", [("Expect", b"\xed\xa0\x80\xff")])
    answer = await send_raw(app.port, request)
    assert answer
    assert (answer.status, answer.body["code"]) == (417, "expectation_failed")


async def check(app: RunningApp, request: bytes) -> None:
    """Send the request; fail unless the answer is a success or a problem below 500."""
    answer = await send_raw(app.port, request)
    if answer:
        assert answer.status < 500, (request, answer)
    if answer and answer.status >= 400:
        assert answer.media_type == "application/problem+json", (request, answer)


def create_request(
    method: str,
    path: bytes,
    fields: Sequence[tuple[str, bytes]] = (),
    body: bytes | None = None,
) -> bytes:
    all_fields = [*fields, ("Connection", b"close")]
    if not any(name == "Host" for name, _ in fields):
        all_fields.append(("Host", b"localhost"))
    if body is not None:
        all_fields.append(("Content-Length", str(len(body)).encode()))
    lines = [method.encode() + b" " + path + b" HTTP/1.1"]
    lines += [name.encode() + b": " + value for name, value in all_fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


async def send_raw(port: int, request: bytes) -> RawAnswer | None:
    """Send the request and return the first answer, None if the service only disconnects."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(TIMEOUT):
            writer.write(request)
            received = await reader.read()
    except ConnectionResetError:
        return None
    finally:
        writer.transport.abort()
    while received.startswith(b"HTTP/1.1 100"):
        received = received.partition(b"\r\n\r\n")[2]
    return _parse(received) if received else None


def _parse(received: bytes) -> RawAnswer:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    media_type = fields.get("content-type", "").partition(";")[0]
    is_json = media_type.endswith("json") and body
    return RawAnswer(int(lines[0].split()[1]), media_type, json.loads(body) if is_json else None)

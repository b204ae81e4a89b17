"""Whatever bytes come, the service answers in its own words, and never that it failed itself."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.http.routes import ROUTES
from tests.support import fuzzing
from tests.support.apps import RunningApp, running_app
from tests.support.fuzzing import Answered, Header, answered, request_of
from tests.support.registries import in_postgres, in_sqlite
from tests.support.servers import OperatorsServer

EXAMPLES = 150

CALLS = [(route.method, route.path) for route in ROUTES]
WITH_BODY = [(route.method, route.path) for route in ROUTES if route.body]
IDS = ("db_01m845hj4671b14vrtcsaptbwq", "pgv_01234567", "docs.js")

calls = st.sampled_from(CALLS)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def app(
    request: pytest.FixtureRequest, server_15: OperatorsServer
) -> AsyncIterator[RunningApp]:
    kept = in_sqlite() if request.param == "sqlite" else in_postgres(server_15)
    async with kept as records, running_app(records=records, trusted_proxies="127.0.0.1") as app:
        yield app


def check(answer: Answered | None, request: bytes) -> None:
    """A problem, or what was asked for; nothing that the service has to be ashamed of."""
    if answer is None:
        return
    assert answer.status < 500, (request, answer)
    if answer.status >= 400:
        assert answer.media_type == "application/problem+json", (request, answer)


@settings(max_examples=EXAMPLES)
@given(call=calls, fields=fuzzing.headers, known=st.sampled_from(IDS))
async def test_odd_headers_are_answered(
    app: RunningApp, call: tuple[str, str], fields: list[Header], known: str
) -> None:
    method, path = call
    request = request_of(method, path.replace("{id}", known).encode(), fields)

    check(await answered(app.port, request), request)


@settings(max_examples=EXAMPLES)
@given(call=st.sampled_from(WITH_BODY), body=fuzzing.bodies)
async def test_odd_bodies_are_answered(app: RunningApp, call: tuple[str, str], body: bytes) -> None:
    method, path = call
    fields = [("Content-Type", b"application/json")]
    request = request_of(method, path.replace("{id}", IDS[0]).encode(), fields, body)

    check(await answered(app.port, request), request)


@settings(max_examples=EXAMPLES)
@given(call=calls, odd=fuzzing.odd_paths, query=fuzzing.queries)
async def test_odd_addresses_are_answered(
    app: RunningApp, call: tuple[str, str], odd: bytes, query: bytes
) -> None:
    method, path = call
    address = path.encode().replace(b"{id}", odd).replace(b"{asset}", odd) + b"?" + query
    request = request_of(method, address)

    check(await answered(app.port, request), request)


@settings(max_examples=EXAMPLES)
@given(raw=st.binary(max_size=300))
async def test_what_is_no_http_is_answered(app: RunningApp, raw: bytes) -> None:
    """Before something that is, so that the service does not wait for more."""
    raw += b"\r\n\r\n" + request_of("GET", b"/livez")

    check(await answered(app.port, raw), raw)


async def test_the_service_is_still_there(app: RunningApp) -> None:
    assert (await app.get("/readyz"))["status"] == "ok"


async def test_an_expectation_that_cannot_be_quoted_is_refused(app: RunningApp) -> None:
    request = request_of("GET", b"/livez", [("Expect", b"\xed\xa0\x80\xff")])

    answer = await answered(app.port, request)

    assert answer
    assert (answer.status, answer.body["code"]) == (417, "expectation_failed")

"""Parts of the HTTP API: the limit of streams, body timeouts, and connections as JSON."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import replace
from typing import cast

import pytest
from aiohttp import web

from domain.callers import ANYONE, Caller
from domain.connection import Connection
from domain.errors import Unavailable
from domain.secrets import Secret
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.problems import SlowBody
from entrypoints.http.api.schemas.connections import ConnectionResponse
from entrypoints.http.api.schemas.databases import CreateDatabaseRequest
from entrypoints.http.api.stream_limiter import MAX_STREAMS, MAX_STREAMS_PER_CALLER, StreamLimiter
from tests.support.people import create_caller

ANN, BOB = create_caller("ann", key="pgv_a"), create_caller("bob", key="pgv_b")
MANY_CALLERS = [create_caller(str(number), key="pgv_x") for number in range(MAX_STREAMS)]

DIRECT = Connection(host="db.example", port=5432, database="x", user="u", password=Secret("p"))
MEMBERS = {"host", "port", "database", "user", "password", "sslmode", "connection_limit", "uri"}


class SilentRequest:
    """A request whose body never arrives."""

    content_type = "application/json"

    async def read(self) -> bytes:
        await asyncio.Event().wait()
        return b""


@pytest.mark.parametrize(
    ("listening", "refused"),
    [([ANN] * MAX_STREAMS_PER_CALLER, ANN), (MANY_CALLERS, BOB), ([ANYONE] * MAX_STREAMS, ANYONE)],
    ids=["one caller", "many callers", "anyone"],
)
def test_streams_are_limited_in_total_and_per_caller(
    listening: list[Caller], refused: Caller
) -> None:
    streams = StreamLimiter()
    with ExitStack() as stack:
        for caller in listening:
            stack.enter_context(streams.slot(caller))

        with pytest.raises(Unavailable), streams.slot(refused):
            pass
        if len(listening) < MAX_STREAMS:
            stack.enter_context(streams.slot(BOB))


def test_a_slot_is_released_after_an_error() -> None:
    streams = StreamLimiter()
    for _ in range(MAX_STREAMS + 1):
        with pytest.raises(ConnectionError), streams.slot(ANN):
            raise ConnectionError


async def test_a_body_that_does_not_arrive_times_out() -> None:
    with pytest.raises(SlowBody):
        await read_body(CreateDatabaseRequest, cast("web.Request", SilentRequest()), read_timeout=0)


def test_a_pooler_is_shown_if_there_is_one() -> None:
    pooled = replace(DIRECT, pooler_host="pooler.example")
    assert render_connection(DIRECT).keys() == MEMBERS
    assert render_connection(pooled) == render_connection(DIRECT) | {
        "pooler_host": "pooler.example"
    }


def render_connection(connection: Connection) -> dict[str, object]:
    return dict(json.loads(json_response(ConnectionResponse.from_domain(connection)).text or ""))

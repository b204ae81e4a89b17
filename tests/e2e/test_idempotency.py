"""Idempotency keys: repeated requests and their answers."""

import asyncio

import pytest

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, check_problem, running_app
from tests.support.idempotent_requests import (
    LEGACY,
    PATH,
    REQUEST_BODIES,
    create_with_key,
    idempotency_headers,
)
from tests.support.provider_faults import Gate


@pytest.mark.parametrize("path", REQUEST_BODIES)
async def test_the_same_request_gets_the_same_answer(app: RunningApp, path: str) -> None:
    first, second = [
        await app.ask("POST", path, REQUEST_BODIES[path], idempotency_headers()) for _ in range(2)
    ]
    assert first.status == second.status
    assert first.body == second.body
    assert first.headers.get("Location") == second.headers.get("Location")
    assert len(await app.list_live()) == 1


async def test_both_routes_share_keys(app: RunningApp) -> None:
    """A client that migrates from one route to the other may repeat its request there."""
    new = await app.ask("POST", PATH, REQUEST_BODIES[PATH], idempotency_headers())
    old = await app.ask("POST", LEGACY, REQUEST_BODIES[LEGACY], idempotency_headers())
    assert old.body["database_owner_password"] == new.body["connection"]["password"]
    assert len(await app.list_live()) == 1


async def test_a_repeated_request_in_progress_is_asked_to_retry() -> None:
    gate = Gate("during provision")
    async with running_app(MemoryProvider(fault_hook=gate)) as app, app.replica() as other:
        first = asyncio.create_task(create_with_key(app))
        await gate.reached.wait()
        for replica in (app, other):
            answer = await create_with_key(replica)
            assert check_problem(answer, 409, "in_flight")["retryable"] is True
            assert int(answer.headers["Retry-After"]) > 0
        gate.open()

        assert (await first).body == (await create_with_key(other)).body
        assert len(await app.list_live()) == 1


async def test_a_key_identifies_one_request_in_any_spelling(app: RunningApp) -> None:
    first, second = await create_with_key(app, ttl="60m"), await create_with_key(app, ttl="PT1H")
    refused = check_problem(await create_with_key(app), 422, "idempotency_key_reused")
    assert first.body == second.body
    assert refused["retryable"] is False

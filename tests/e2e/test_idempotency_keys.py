"""What is a key, and which requests are the same."""

from typing import Any

import pytest

from tests.support.apps import RunningApp, problem_in
from tests.support.keyed import ORDERS, keyed, ordered


@pytest.mark.parametrize("path", ORDERS)
async def test_another_key_or_none_gets_another_database(app: RunningApp, path: str) -> None:
    for headers in (keyed("one"), keyed("another"), None, None):
        assert (await app.ask("POST", path, ORDERS[path], headers)).status in {200, 201}

    assert len(await app.live()) == 4


@pytest.mark.parametrize(
    "other",
    [
        {"nickname": "Again!"},
        {"ttl": "1h"},
        {"labels": {"a": "b"}},
        {"extensions": ["vector"]},
        {"on_conflict": "reject"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_key_that_was_used_for_something_else_is_refused(
    app: RunningApp, other: dict[str, Any]
) -> None:
    await ordered(app)

    problem = problem_in(await ordered(app, **other), 422, "idempotency_key_reused")

    assert problem["retryable"] is False
    assert len(await app.live()) == 1


async def test_what_is_written_differently_and_means_the_same_is_the_same(app: RunningApp) -> None:
    first = await ordered(app, ttl="60m", labels={"a": "1", "b": "2"})
    second = await ordered(app, ttl="PT1H", labels={"b": "2", "a": "1"}, on_conflict="suffix")

    assert first.body == second.body


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("key", ["", "  ", "x" * 256, "é", "a\tb"])
async def test_what_is_no_key_is_refused(app: RunningApp, path: str, key: str) -> None:
    answer = await app.ask("POST", path, ORDERS[path], keyed(key))

    problem = problem_in(answer, 422, "invalid_request")

    assert "Idempotency-Key" in problem["detail"]
    assert await app.nothing_is_left()


@pytest.mark.parametrize("path", ORDERS)
async def test_two_keys_are_one_too_many(app: RunningApp, path: str) -> None:
    two = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]

    problem_in(await app.ask("POST", path, ORDERS[path], two), 422, "invalid_request")

    assert await app.nothing_is_left()


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted"', "a key; of=many, signs", "8e03978e"])
async def test_any_visible_text_is_a_key(app: RunningApp, key: str) -> None:
    first, second = await ordered(app, key), await ordered(app, key)

    assert first.status == 201
    assert first.body == second.body

"""A provider in trouble: what the caller is told, and that nothing is left."""

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected
from tests.support.apps import RunningApp, problem_of, running_app
from tests.support.polling import until
from tests.support.trouble import failing

ROUTES = {"/v1/databases": {"nickname": "n"}, "/api/create-neon-db": {"project": {"name": "n"}}}

SECRET_WORDS = "connection to 10.0.0.5 refused for admin:hunter2"


@pytest.fixture(params=ROUTES)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("error", "code"), [(ProviderBusy, "provider_busy"), (OutcomeUnknown, "outcome_unknown")]
)
async def test_a_provider_that_stays_away_is_a_reason_to_come_back(
    path: str, error: Callable[[], Exception], code: str
) -> None:
    async with _troubled(failing("before provision", error)) as app:
        async with app.client.post(path, json=ROUTES[path]) as response:
            problem = await problem_of(response, 503, code)
            assert int(response.headers["Retry-After"]) > 0

        assert problem["retryable"] is True
        assert await app.nothing_is_left()


async def test_what_the_provider_asked_to_wait_for_is_passed_on(path: str) -> None:
    busy = failing("before provision", lambda: ProviderBusy(retry_after=29.2))
    async with _troubled(busy) as app, app.client.post(path, json=ROUTES[path]) as response:
        await problem_of(response, 503, "provider_busy")

        assert response.headers["Retry-After"] == "30"


async def test_a_provider_that_comes_back_soon_is_waited_for(path: str) -> None:
    async with _troubled(failing("before provision", ProviderBusy, times=3)) as app:
        async with app.client.post(path, json=ROUTES[path]) as response:
            assert response.ok

        assert len(await app.provider.inventory()) == 1


async def test_a_full_provider_is_told_and_takes_more_once_there_is_room(path: str) -> None:
    async with running_app(MemoryProvider(capacity=1)) as app:
        first = await app.vend("first")
        async with app.client.post(path, json=ROUTES[path]) as response:
            problem = await problem_of(response, 503, "provider_full")
            assert int(response.headers["Retry-After"]) > 0
        assert problem["retryable"] is True
        assert [one["id"] for one in await app.live()] == [first["id"]]

        async with app.client.delete(f"/v1/databases/{first['id']}"):
            await _emptied(app)
        async with app.client.post(path, json=ROUTES[path]) as response:
            assert response.ok


async def test_a_refusal_is_final(path: str) -> None:
    async with _troubled(failing("amid provision", ProviderRejected)) as app:
        async with app.client.post(path, json=ROUTES[path]) as response:
            problem = await problem_of(response, 502, "provider_rejected")
            assert "Retry-After" not in response.headers

        assert problem["retryable"] is False
        assert await app.nothing_is_left()


@pytest.mark.parametrize("moment", ["before provision", "amid provision", "after provision"])
async def test_a_crash_tells_its_caller_nothing_but_where_to_look(path: str, moment: str) -> None:
    crash = failing(moment, lambda: RuntimeError(SECRET_WORDS))
    async with _troubled(crash) as app:
        with capture_logs() as logged:
            async with app.client.post(path, json=ROUTES[path]) as response:
                await problem_of(response, 500, "internal_error")
                assert not [word for word in SECRET_WORDS.split() if word in await response.text()]

        assert [event for event in logged if event["event"] == "http.crashed" and event["exc_info"]]
        assert await app.nothing_is_left()


async def test_two_applications_in_one_process_share_nothing(app: RunningApp) -> None:
    async with running_app() as other:
        mine, theirs = await app.vend("same", on_conflict="reject"), await other.vend("same")

        assert mine["connection"]["password"] != theirs["connection"]["password"]
        assert [one["id"] for one in await app.live()] == [mine["id"]]
        assert [one["id"] for one in await other.live()] == [theirs["id"]]

    assert (await app.vend("still there"))["state"] == "ready"


def _troubled(trouble: Any) -> Any:
    return running_app(MemoryProvider(trouble=trouble))


async def _emptied(app: RunningApp) -> None:
    """Deletions end behind their answers."""
    await until(app.nothing_is_left)

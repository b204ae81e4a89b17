"""`/livez` and `/readyz`."""

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, running_app


async def test_a_healthy_service_is_alive_and_ready(app: RunningApp) -> None:
    assert await app.get("/livez") == {"status": "ok"}
    assert await app.get("/readyz") == {
        "status": "ok",
        "checks": {"registry": "ok", "provider": "ok"},
        "access": "open",
    }


async def test_it_says_who_may_ask() -> None:
    async with running_app(admin_key="a key of the operator's".replace(" ", "-")) as app:
        assert (await app.get("/readyz"))["access"] == "keys"
    async with running_app(insecure=True) as app:
        assert (await app.get("/readyz"))["access"] == "insecure"


async def test_without_its_provider_it_is_alive_but_not_ready() -> None:
    async with running_app(MemoryProvider(trouble=_down)) as app:
        assert await app.get("/livez") == {"status": "ok"}
        async with app.client.get("/readyz") as response:
            assert response.status == 503
            assert await response.json() == {
                "status": "unavailable",
                "checks": {"registry": "ok", "provider": "provider_busy"},
                "access": "open",
            }


async def test_readiness_is_told_without_waiting_for_retries() -> None:
    async with running_app(MemoryProvider(trouble=_down)) as app, app.client.get("/readyz"):
        assert app.clock.slept == []


async def _down(moment: str) -> None:
    raise ProviderBusy

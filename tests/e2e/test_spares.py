"""Spares as callers and admins see them, over the memory provider."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from domain.lifecycle import PUBLIC
from domain.names import PgNames
from entrypoints.background.spare_loop import INTERVAL
from entrypoints.config.spares import NamesMode
from entrypoints.http.api.routes.route import Route
from tests.e2e.test_callers import BODIES, DATABASE_ROUTES
from tests.support.apps import RunningApp, check_problem, running_app
from tests.support.idempotent_requests import LEGACY, REQUEST_BODIES
from tests.support.polling import wait_until
from tests.support.pooled_apps import SPARES, list_spare_ids, pooled_app, wait_until_filled
from tests.support.provider_faults import fail_at
from tests.support.slow_clock import SlowClock


@pytest.fixture
async def app() -> AsyncIterator[RunningApp]:
    async with pooled_app(2) as running:
        yield running


async def test_the_levels_are_shown_by_template_and_the_sums_to_everyone(app: RunningApp) -> None:
    full = {"template": "default", "wanted": 2, "ready": 2, "filling": 0}
    assert await app.get(SPARES) == {"spares": [full]}
    assert (await app.get("/readyz"))["spares"] == {"wanted": 2, "ready": 2}


async def test_without_spares_nothing_is_shown() -> None:
    async with running_app() as app:
        assert await app.get(SPARES) == {"spares": []}
        assert "spares" not in await app.get("/readyz")


async def test_a_service_whose_spares_cannot_be_filled_is_ready_and_creates() -> None:
    failing = MemoryProvider(fault_hook=fail_at("before suspend", ProviderBusy))
    async with running_app(failing, clock=SlowClock(), spare_counts={"default": 2}) as app:
        ready = await app.get("/readyz")
        database = await app.create_database()
        assert (ready["status"], ready["spares"]) == ("ok", {"wanted": 2, "ready": 0})
        assert app.accepts(database["connection"])


async def test_a_claimed_database_is_like_any_other(app: RunningApp) -> None:
    spares = await list_spare_ids(app)
    created = await app.create_database("Sales Data 2024", labels={"team": "sales"}, ttl="1h")

    assert created["id"] in spares
    assert (created["database"], created["owner"]) == ("salesdata2024", "user_salesdata2024")
    assert (created["nickname"], created["labels"]) == ("Sales Data 2024", {"team": "sales"})
    assert (created["state"], created["caller"]) == ("ready", "anyone")
    assert app.accepts(created["connection"])
    path = f"/v1/databases/{created['id']}"
    assert await app.get(f"{path}/connection") == created["connection"]
    rotated = await app.ask("POST", f"{path}/rotate")
    assert app.accepts(rotated.body["connection"])
    assert (await app.ask("DELETE", path)).status == 202
    await app.wait_for_state(created["id"], "deleted")


async def test_the_original_route_claims_spares_too(app: RunningApp) -> None:
    spares = await list_spare_ids(app)
    answer = await app.ask("POST", LEGACY, REQUEST_BODIES[LEGACY])
    listed = (await app.get("/v1/databases"))["databases"]
    assert answer.status == 200
    assert [database["id"] in spares for database in listed] == [True]
    assert listed[0]["database"] == answer.body["database_name"]


async def test_spares_are_in_no_list_and_are_refilled(app: RunningApp) -> None:
    assert (await app.get("/v1/databases"))["databases"] == []
    before = await list_spare_ids(app)
    created = [(await app.create_database())["id"] for _ in range(2)]
    await wait_until_filled(app)

    listed = (await app.get("/v1/databases"))["databases"]
    assert {database["id"] for database in listed} == set(created) == before
    assert len(await list_spare_ids(app) - before) == 2


async def test_with_opaque_names_databases_are_named_by_their_ids() -> None:
    async with pooled_app(1, names=NamesMode.OPAQUE) as app:
        spares = await list_spare_ids(app)
        claimed = await app.create_database("Sales")
        provisioned = await app.create_database("Sales", extensions=["hstore"])

        assert claimed["id"] in spares
        assert provisioned["id"] not in spares
        for database in (claimed, provisioned):
            names = PgNames.from_id(database["id"])
            assert (database["database"], database["owner"]) == (names.database, names.owner)
            assert database["nickname"] == "Sales"
            assert app.accepts(database["connection"])


class PatientClock(SlowClock):
    """Loops that wait for long do so until something wakes them."""

    async def sleep(self, seconds: float) -> None:
        if seconds >= INTERVAL:
            await asyncio.Event().wait()
        await super().sleep(seconds)


async def test_spares_of_a_template_are_filled_at_once_and_replaced_with_it() -> None:
    async with running_app(clock=PatientClock(), spare_counts={"shop": 1}) as app:
        seed = await app.create_database("Seed")
        for text in ("apples", "pears"):
            former = await list_spare_ids(app)
            app.clock.passed += 1  # each template is younger than the one before
            app.provider.contents.write(seed["id"], text)
            created = await app.ask("POST", "/v1/templates", {"name": "shop", "from": "Seed"})
            assert created.status == 201
            await wait_until_filled(app)
            assert not former & await list_spare_ids(app)
        spares = await list_spare_ids(app)
        copy = await app.create_database("Copy", template="shop")

        assert {copy["id"]} == spares
        assert app.provider.contents.read(copy["id"]) == ("apples", "pears")


@pytest.mark.parametrize("route", DATABASE_ROUTES, ids=lambda route: route.name)
async def test_no_call_finds_a_spare_not_even_an_admins(app: RunningApp, route: Route) -> None:
    spare_id = min(await list_spare_ids(app))
    path = route.path.replace("{id}", spare_id)

    answer = await app.ask(route.method, path, BODIES.get(route.name))

    check_problem(answer, 404, "database_not_found")
    assert spare_id in await list_spare_ids(app)


async def test_deleted_spares_are_in_no_list_either(app: RunningApp) -> None:
    spares = await list_spare_ids(app)
    async with app.replica(connection_limit=7, spare_counts={"default": 1}) as other:
        await wait_until_filled(other)
        await wait_until(partial(_are_gone, other, spares))
        states = "&".join(f"state={state}" for state in PUBLIC)
        listed = (await other.get(f"/v1/databases?{states}"))["databases"]

    assert listed == []


async def _are_gone(app: RunningApp, spares: set[str]) -> bool:
    return not spares & await list_spare_ids(app)

"""`GET /v1/events`: the records of a caller's databases as they change."""

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderRejected
from entrypoints.http.api.handlers.database_events import MAX_SECONDS
from entrypoints.http.api.stream_limiter import MAX_STREAMS_PER_CALLER
from tests.support.apps import RunningApp, check_problem, running_app
from tests.support.event_stream import open_all_stream, read_records, watching_all
from tests.support.keyed_clients import ADMIN_KEY, running_keyed_app
from tests.support.outage import Outage, create_unreachable_stores
from tests.support.polling import wait_until
from tests.support.provider_faults import Gate, fail_at
from tests.support.service import running_service
from tests.support.slow_clock import SlowClock

PATH = "/v1/databases"
ASYNC = {"Prefer": "respond-async"}


async def test_the_first_event_has_the_time_of_the_service() -> None:
    async with running_app(clock=SlowClock()) as app, open_all_stream(app) as stream:
        ready = await stream.read_first()
        assert (ready.id, ready.name) == ("", "ready")
        assert ready.data["now"].startswith("2026-01-02T03:0")


async def test_changes_are_events_with_the_record_from_the_creation_to_the_deletion() -> None:
    gate = Gate("during provision")
    async with (
        running_app(MemoryProvider(fault_hook=gate), clock=SlowClock()) as app,
        watching_all(app) as stream,
    ):
        answer = await app.ask("POST", PATH, {"nickname": "watched"}, ASYNC)
        path = f"{PATH}/{answer.body['id']}"
        assert await read_records(stream, "provisioning") == [await app.get(path)]
        gate.open()
        assert (await read_records(stream, "ready"))[-1] == await app.get(path)
        changed = (await app.ask("PATCH", path, {"labels": {"a": "b"}})).body
        assert await read_records(stream, "ready") == [changed]
        await app.ask("DELETE", path)
        assert (await read_records(stream, "deleted"))[-1] == await app.get(path)


async def test_changes_of_other_replicas_are_events_too() -> None:
    async with (
        running_app(clock=SlowClock()) as app,
        app.replica() as other,
        watching_all(app) as stream,
    ):
        created = await other.create_database()
        assert (await read_records(stream, "ready"))[-1] == await app.get(f"{PATH}/{created['id']}")
        await other.ask("DELETE", f"{PATH}/{created['id']}")
        await read_records(stream, "deleted")


async def test_a_stream_survives_an_outage_of_the_registry() -> None:
    outage = Outage()
    async with (
        running_app(clock=SlowClock(), records=create_unreachable_stores(outage)) as app,
        app.replica() as other,
        watching_all(app) as stream,
    ):
        outage.is_on = True
        seen = len(app.clock.slept)
        await wait_until(lambda: len(app.clock.slept) > seen + 5)
        outage.is_on = False
        await other.create_database()
        await read_records(stream, "ready")


async def test_a_failure_is_an_event_too() -> None:
    provider = MemoryProvider(fault_hook=fail_at("before provision", ProviderRejected))
    async with running_app(provider, clock=SlowClock()) as app, watching_all(app) as stream:
        await app.ask("POST", PATH, {"nickname": "refused"})
        (*_, failed) = await read_records(stream, "failed")
        assert failed == await app.get(f"{PATH}/{failed['id']}")


async def test_callers_get_the_events_of_their_own_databases_and_admins_all() -> None:
    async with running_keyed_app(clock=SlowClock()) as keyed:
        ann, bob = await keyed.create_client("ann"), await keyed.create_client("bob")
        async with (
            watching_all(keyed.app, ADMIN_KEY) as admins,
            watching_all(keyed.app, bob.key) as bobs,
        ):
            anns_record = await ann.create_database("Sales")
            bobs_record = await bob.create_database("Stock")
            assert {each["id"] for each in await read_records(bobs, "ready")} == {bobs_record["id"]}
            seen = [*await read_records(admins, "ready"), *await read_records(admins, "ready")]
            assert {each["id"] for each in seen} == {anns_record["id"], bobs_record["id"]}


async def test_a_stream_needs_a_key_with_the_scope_read() -> None:
    async with running_keyed_app() as keyed:
        creator = await keyed.create_client(scopes=["create"])
        check_problem(await keyed.ask("GET", "/v1/events"), 401, "unauthenticated")
        check_problem(await creator.ask("GET", "/v1/events"), 403, "forbidden")
        reader = await keyed.create_client(scopes=["read"])
        assert (await reader.ask("HEAD", "/v1/events")).status == 200


async def test_a_revoked_key_ends_its_stream_before_the_next_event() -> None:
    async with running_keyed_app(clock=SlowClock()) as keyed:
        ann, other = await keyed.create_client("ann"), await keyed.create_client("ann")
        async with watching_all(keyed.app, ann.key) as stream:
            await keyed.admin.ask("DELETE", f"/v1/keys/{ann.id}")
            await other.create_database()
            assert await stream.read_all() == []


async def test_a_revoked_key_ends_a_silent_stream() -> None:
    async with running_keyed_app(clock=SlowClock()) as keyed:
        ann = await keyed.create_client("ann")
        async with watching_all(keyed.app, ann.key) as stream:
            await keyed.admin.ask("DELETE", f"/v1/keys/{ann.id}")
            assert await stream.read_all() == []


async def test_at_the_limit_of_streams_of_a_caller_a_stream_ends_before_the_next_begins() -> None:
    async with running_keyed_app(clock=SlowClock()) as keyed:
        ann = await keyed.create_client("ann")
        url = f"http://127.0.0.1:{keyed.app.port}/v1/events"
        headers = {"Authorization": f"Bearer {ann.key}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(headers=headers, connector=connector) as client,
            AsyncExitStack() as reading,
        ):
            streams = [
                await reading.enter_async_context(client.get(url))
                for _ in range(MAX_STREAMS_PER_CALLER)
            ]
            check_problem(await ann.ask("GET", "/v1/events"), 503, "unavailable")
            async with open_all_stream(keyed.app, ADMIN_KEY):
                pass
            streams[0].close()

            async def is_free() -> bool:
                async with client.get(url) as stream:
                    return stream.status == 200

            await wait_until(is_free)


async def test_a_silent_stream_has_comments_and_ends_after_half_an_hour(app: RunningApp) -> None:
    async with app.client.get("/v1/events") as response:
        ready, *comments, end = (await response.text()).split("\n\n")
    assert ready.startswith("event: ready")
    assert comments
    assert {*comments, end} == {": keep-alive", ""}
    assert app.clock.elapsed() >= MAX_SECONDS


async def test_a_process_stops_during_a_stream(tmp_path: Path) -> None:
    async with (
        running_service(tmp_path, PGVEND_PROVIDER="memory") as service,
        aiohttp.ClientSession(service.url) as client,
        client.get("/v1/events") as response,
    ):
        await response.content.readuntil(b"\n\n")
        service.process.terminate()

        assert await service.exits(within=20)
        assert service.process.returncode == 0
        assert await response.content.read() == b""

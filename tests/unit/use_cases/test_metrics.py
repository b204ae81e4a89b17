"""What the use cases count."""

import asyncio
from dataclasses import replace

import pytest

from adapters.metrics.prometheus import PrometheusMetrics
from domain.errors import ProviderBusy, ProviderFull, ProviderRejected
from domain.sizes import SizeLimit
from ports.use_cases.create_request import CreateRequest
from tests.support.consistency import reconcile_once
from tests.support.doubles import FailAt, RefusingLoginCheck
from tests.support.drift_scenarios import create_database, request_deletion
from tests.support.memory_service import MemoryService
from tests.support.metrics import read_metrics
from tests.support.templates import ALICE, fork

CREATIONS = "pgvend_creations_total"
TASKS = "pgvend_reconciler_tasks_total"


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


@pytest.fixture
def memory(metrics: PrometheusMetrics) -> MemoryService:
    return MemoryService(metrics=metrics)


async def test_a_creation_from_nothing_is_cold(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    await memory.create()
    assert read_metrics(metrics, CREATIONS) == {("outcome=done", "path=cold"): 1}
    assert read_metrics(metrics, "pgvend_creation_duration_seconds_count") == {("path=cold",): 1}


async def test_a_creation_lasts_from_its_request_to_its_end(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    async def pass_time(moment: str) -> None:
        memory.clock.passed += 2 if moment == "during provision" else 0

    memory.clock.passed, memory.fault_hook = 1000, pass_time
    await memory.create()
    assert read_metrics(metrics, "pgvend_creation_duration_seconds_sum") == {("path=cold",): 2}


async def test_a_copy_is_copied(memory: MemoryService, metrics: PrometheusMetrics) -> None:
    shop = await memory.create("Shop", caller=ALICE)
    await fork(memory, shop.database.id)
    assert read_metrics(metrics, CREATIONS)["outcome=done", "path=copied"] == 1


async def test_a_claim_is_pooled(pooled: MemoryService, metrics: PrometheusMetrics) -> None:
    pooled.metrics = metrics
    await pooled.create()
    assert read_metrics(metrics, CREATIONS) == {("outcome=done", "path=pooled"): 1}


async def test_a_broken_spare_is_a_failed_claim_and_a_cold_creation(
    pooled: MemoryService, metrics: PrometheusMetrics
) -> None:
    pooled.metrics = metrics
    del pooled.provider._databases[(await pooled.spares())[0].names.database]

    await pooled.create()

    assert read_metrics(metrics, CREATIONS) == {
        ("outcome=spare_broken", "path=pooled"): 1,
        ("outcome=done", "path=cold"): 1,
    }


@pytest.mark.parametrize("error", [ProviderFull(), ProviderBusy()])
async def test_a_failed_creation_has_the_code_of_its_error(
    memory: MemoryService, metrics: PrometheusMetrics, error: ProviderFull | ProviderBusy
) -> None:
    memory.fault_hook = FailAt({"before provision": [error]})
    with pytest.raises(type(error)):
        await memory.create()
    assert read_metrics(metrics, CREATIONS) == {(f"outcome={error.code}", "path=cold"): 1}


async def test_a_creation_whose_login_fails_is_a_failed_one(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    create = memory.create_database(login_check=RefusingLoginCheck(ProviderRejected()))
    with pytest.raises(ProviderRejected):
        await create(CreateRequest(nickname="Sales"))
    assert read_metrics(metrics, CREATIONS) == {("outcome=provider_rejected", "path=cold"): 1}


async def test_a_cancelled_creation_is_cancelled(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    _, creation = await memory.hold("during provision", memory.create())
    creation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creation
    assert read_metrics(metrics, CREATIONS) == {("outcome=cancelled", "path=cold"): 1}


async def test_a_creation_that_the_reconciler_finishes_counts(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    await memory.create_database().request(CreateRequest(nickname="Sales"))
    assert read_metrics(metrics, CREATIONS) == {}

    await reconcile_once(memory)

    assert read_metrics(metrics, CREATIONS) == {("outcome=done", "path=cold"): 1}
    assert read_metrics(metrics, TASKS) == {("action=finish", "outcome=done"): 1}


async def test_a_run_of_the_reconciler_is_counted_with_its_tasks(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    for name in ("Sales", "Shop"):
        await request_deletion(memory, name)
    memory.fault_hook = FailAt({"before delete": [ProviderBusy()]})

    await reconcile_once(memory)

    assert read_metrics(metrics, "pgvend_reconciler_runs_total") == {("outcome=done",): 1}
    assert read_metrics(metrics, "pgvend_reconciler_last_success_timestamp_seconds") == {
        (): memory.clock.now().timestamp()
    }
    assert read_metrics(metrics, TASKS) == {
        ("action=delete", "outcome=done"): 1,
        ("action=delete", "outcome=provider_busy"): 1,
    }
    assert read_metrics(metrics, "pgvend_reconciler_unresolved")["action=delete",] == 1


async def test_a_removal_in_parts_is_a_partial_outcome(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    database = await create_database(memory)
    memory.provider.add_dependents(database.id, 2)
    await memory.delete(database.id)

    await reconcile_once(memory)

    assert read_metrics(metrics, TASKS) == {("action=delete_leftover", "outcome=partial"): 1}


async def test_a_later_complete_run_replaces_what_is_unresolved(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    await request_deletion(memory)
    memory.fault_hook = FailAt({"before delete": [ProviderBusy()]})
    await reconcile_once(memory)
    unresolved = "pgvend_reconciler_unresolved"

    await memory.reconcile()(drift=False)
    assert read_metrics(metrics, unresolved)["action=delete",] == 1, "this run did not look"

    await memory.reconcile()()
    assert not any(read_metrics(metrics, unresolved).values())


async def test_a_dry_run_is_not_counted(memory: MemoryService, metrics: PrometheusMetrics) -> None:
    await request_deletion(memory)
    await reconcile_once(memory, dry_run=True)
    assert read_metrics(metrics, "pgvend_reconciler_runs_total") == {}
    assert read_metrics(metrics, TASKS) == {}


async def test_a_failed_run_is_counted_with_its_error(
    memory: MemoryService, metrics: PrometheusMetrics
) -> None:
    reconcile = replace(memory.reconcile(), finishers={})
    await request_deletion(memory)
    with pytest.raises(KeyError):
        await reconcile()
    assert read_metrics(metrics, "pgvend_reconciler_runs_total") == {("outcome=internal_error",): 1}
    assert read_metrics(metrics, "pgvend_reconciler_last_success_timestamp_seconds") == {}


async def test_measured_sizes_are_shown(metrics: PrometheusMetrics) -> None:
    memory = MemoryService(metrics=metrics, limit=SizeLimit(1000))
    for size in (10, 30):
        memory.provider.set_size((await create_database(memory, f"Sales {size}")).id, size)

    await memory.limit_sizes()()

    assert read_metrics(metrics, "pgvend_databases_size_bytes") == {(): 40}
    assert read_metrics(metrics, "pgvend_databases_measured") == {(): 2}

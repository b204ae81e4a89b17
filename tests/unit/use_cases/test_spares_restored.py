"""Spares after a registry or a server was restored from a backup: no database is handed out twice,
deleted with its data, or left behind."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from adapters.memory.provider import MemoryProvider
from domain.lifecycle import State
from domain.reconciliation import SETTLING_TIME, ReconcileAction
from ports.driven.audit_log import AuditQuery
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import assert_consistent, reconcile_once, settle
from tests.support.drift_scenarios import summarize
from tests.support.memory_service import MemoryService
from tests.support.spares import another_process, create_pooled

IMPORTED = (ReconcileAction.IMPORT, "done")


async def restore_before_claim(**parts: Any) -> tuple[MemoryService, ProvisionedDatabase]:
    """Return a service whose registry was restored to the state before its spare was claimed, and
    the claimed database."""
    memory = await create_pooled(1)
    backup = deepcopy(memory.registry)
    claimed = await memory.create()
    service = another_process(memory.restarted(), registry=backup, **parts)
    assert [spare.id for spare in await service.spares()] == [claimed.database.id]
    return service, claimed


def back_up_server(provider: MemoryProvider) -> Callable[[], None]:
    """Return a function that restores the server to its present state."""
    owners, databases = dict(provider._owners), dict(provider._databases)

    def restore() -> None:
        provider._owners.clear()
        provider._owners.update(owners)
        provider._databases.clear()
        provider._databases.update(databases)

    return restore


async def test_a_database_that_was_claimed_before_is_not_claimed_again() -> None:
    service, claimed = await restore_before_claim()
    await service.maintain_spares()()

    other = await service.create("Other")

    assert other.database.id != claimed.database.id
    assert service.provider.accepts(claimed.connection)


async def test_a_database_that_was_claimed_before_is_imported_with_its_password() -> None:
    service, claimed = await restore_before_claim()

    assert summarize(await reconcile_once(service)) == [IMPORTED]

    imported = await service.registry.get(claimed.database.id)
    assert (imported.state, imported.is_spare) == (State.READY, False)
    assert (imported.names, imported.caller) == (claimed.database.names, "anyone")
    shown = await service.show_connection()(imported.id)
    assert shown.connection == claimed.connection
    await assert_consistent(service)


@pytest.mark.parametrize("parts", [{"counts": {}}, {"settings_shape": "other"}], ids=str)
async def test_a_database_that_was_claimed_before_outlives_the_replacement_of_spares(
    parts: dict[str, Any],
) -> None:
    service, claimed = await restore_before_claim(**parts)

    await service.maintain_spares()()

    assert (await service.registry.get(claimed.database.id)).state is State.DELETED
    assert service.provider.accepts(claimed.connection)
    assert summarize(await reconcile_once(service)) == [IMPORTED]
    assert (await service.registry.get(claimed.database.id)).history == ()
    assert service.provider.accepts(claimed.connection)
    await assert_consistent(service)


async def test_a_record_of_another_target_is_not_changed_by_what_this_target_has() -> None:
    """The targets share a server, and the installation's marks on it."""
    service, claimed = await restore_before_claim()
    record = await service.registry.get(claimed.database.id)
    elsewhere = await service.registry.update(
        replace(record, target=replace(record.target, name="other"))
    )

    await reconcile_once(service)

    assert await service.registry.get(record.id) == elsewhere
    assert service.provider.accepts(claimed.connection)


async def test_a_claim_that_the_registry_forgot_and_that_failed_is_only_reported() -> None:
    service, claimed = await restore_before_claim()
    del service.provider._databases[claimed.connection.database]

    assert summarize(await reconcile_once(service)) == [
        (ReconcileAction.REPORT_INCOMPLETE, "left as it is")
    ]


async def test_spares_that_the_registry_forgot_are_deleted_when_they_are_old_enough() -> None:
    memory = MemoryService(counts={"default": 1})
    backup = deepcopy(memory.registry)
    await memory.maintain_spares()()
    [spare] = await memory.spares()
    service = another_process(memory.restarted(), registry=backup)

    assert await reconcile_once(service) == []
    service.clock.moment += SETTLING_TIME

    assert summarize(await reconcile_once(service)) == [(ReconcileAction.DELETE_LEFTOVER, "done")]
    assert await service.tenant_ids() == set()
    assert await service.audit_log.read(AuditQuery()) == []
    assert spare.id not in {record.id for record in await service.records()}


async def test_a_spare_that_a_deletion_left_is_deleted() -> None:
    """The server was restored to the state before the deletion."""
    memory = await create_pooled(1)
    restore_server = back_up_server(memory.provider)
    fewer = another_process(memory, counts={})
    await fewer.maintain_spares()()
    restore_server()

    assert summarize(await reconcile_once(fewer)) == [(ReconcileAction.DELETE_LEFTOVER, "done")]
    assert await fewer.tenant_ids() == set()


async def test_a_spare_that_disappeared_is_replaced() -> None:
    memory = await create_pooled(1)
    [spare] = await memory.spares()
    await memory.provider.delete(spare.tenant)
    assert await reconcile_once(memory) == []
    memory.clock.moment += SETTLING_TIME

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.MARK_MISSING, "done")]

    assert await memory.audit_log.read(AuditQuery()) == []
    await memory.maintain_spares()()
    assert (await memory.spares())[0].id != spare.id
    await assert_consistent(memory)


async def test_a_database_whose_server_forgot_the_claim_is_missing() -> None:
    """The server was restored to the state before the claim: the tenant's data is lost."""
    memory = await create_pooled(2)
    oldest = await memory.create("Oldest")
    restore_server = back_up_server(memory.provider)
    claimed = await memory.create()
    restore_server()
    restarted = memory.restarted()
    restarted.clock.moment += SETTLING_TIME

    assert summarize(await reconcile_once(restarted)) == [(ReconcileAction.MARK_MISSING, "done")]
    await settle(restarted)

    assert (await restarted.registry.get(claimed.database.id)).state is State.DELETED
    assert await restarted.tenant_ids() == {oldest.database.id}

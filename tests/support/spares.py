"""Services with spares, and templates that spares are copied from."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from adapters.memory.provider import no_fault
from domain.database import TEMPLATE_SHAPE, Database
from domain.lifecycle import Operation, State
from domain.names import Nickname, PgNames
from tests.support.doubles import ScriptedProvider
from tests.support.memory_faults import KillAt, Killed, create_faulty_process
from tests.support.memory_service import MemoryService
from tests.support.provision_requests import deriver
from tests.support.records import new_record

SECOND = timedelta(seconds=1)


async def create_pooled(count: int = 3, **parts: Any) -> MemoryService:
    """Return a service with that many spares, filled a second apart."""
    memory = MemoryService(counts={"default": count}, **parts)
    for number in range(count):
        memory.clock.moment += SECOND
        memory.pool.counts = {"default": number + 1}
        await memory.maintain_spares()()
    return memory


def another_process(memory: MemoryService, **parts: Any) -> MemoryService:
    """Return another process over the same registry and provider, with some parts changed."""
    process = replace(memory, **parts)
    process.provider = memory.provider
    return process


def watch_provider(memory: MemoryService) -> ScriptedProvider:
    """Record the calls of the service's provider from now on."""
    watched = ScriptedProvider(memory.provider)
    memory.provider = cast("Any", watched)
    return watched


async def kill_refill(memory: MemoryService, moment: str) -> MemoryService:
    """Kill a process that fills spares at that moment, and return the next process."""
    process = create_faulty_process(memory, KillAt(moment))
    with pytest.raises(Killed):
        await process.memory.maintain_spares(process.login_check)()
    memory.fault_hook = no_fault
    return memory.restarted()


async def add_template(memory: MemoryService, name: str, **more: Any) -> Database:
    """Add a template that is ready to be copied."""
    draft = new_record(created_at=memory.clock.now(), target=memory.target)
    template = replace(
        draft,
        nickname=Nickname(name),
        names=PgNames.from_id(draft.id),
        state=State.TEMPLATE,
        shape=TEMPLATE_SHAPE,
        **more,
    ).complete(Operation.PROVISION, memory.clock.now())
    await memory.provider.provision(template.to_provision_request(deriver))
    await memory.provider.suspend(template.tenant)
    return await memory.registry.add(template)

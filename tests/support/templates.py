"""Templates over the memory service."""

from datetime import timedelta
from typing import Any

from domain.callers import Caller, Scope
from domain.database import Database
from ports.use_cases.create_template import TemplateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.memory_service import MemoryService

ALICE = Caller(name="alice", scopes=frozenset({Scope.CREATE, Scope.READ, Scope.MANAGE}))
BOB = Caller(name="bob", scopes=frozenset({Scope.CREATE, Scope.READ, Scope.MANAGE}))
ADMIN = Caller(name="admin", scopes=frozenset({Scope.ADMIN}))


async def create_template(
    memory: MemoryService, source: str, name: str = "shop", **more: Any
) -> Database:
    """Create a template of that database, a moment after anything else was created."""
    memory.clock.moment += timedelta(seconds=1)
    return await memory.create_template()(TemplateRequest(name=name, source=source, **more))


async def delete_template(memory: MemoryService, template_id: str) -> None:
    await memory.templates().request_deletion(template_id)
    await memory.deletion().finish(template_id)


async def list_templates(memory: MemoryService) -> list[Database]:
    return await memory.templates().list(ALICE)


async def fork(memory: MemoryService, source: str, **more: Any) -> ProvisionedDatabase:
    return await memory.create("Copy", source=source, caller=ALICE, **more)

"""Requests that reuse the caller's database of a nickname."""

from dataclasses import replace
from typing import Any

from domain.database import Database
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.memory_service import HOUR, MemoryService
from tests.support.people import ANN

PR = CreateRequest(nickname="pr 7", on_conflict=OnConflict.REUSE, ttl=HOUR, caller=ANN)


async def reuse(
    memory: MemoryService, request: CreateRequest = PR, **changes: Any
) -> ProvisionedDatabase:
    return await memory.reuse_database()(replace(request, **changes))


async def list_live(memory: MemoryService) -> list[Database]:
    return [record for record in await memory.records() if not record.is_gone]

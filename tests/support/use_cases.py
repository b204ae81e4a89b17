"""Factories of use cases."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

from ports.driven.clock import Clock
from ports.driven.registry import Registry
from ports.use_cases.claim_spare import ClaimSpare
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.deletion_pace import DeletionPace
from ports.use_cases.find_database import FindDatabase
from ports.use_cases.find_source import FindSource
from ports.use_cases.find_template import FindTemplate
from ports.use_cases.provision_database import ProvisionDatabase
from ports.use_cases.record_creation import RecordCreation
from ports.use_cases.running_creations import RunningCreations
from ports.use_cases.spare_pool import SparePool
from tests.support.provision_requests import deriver

T = TypeVar("T")


def create_use_case(use_case: type[T], parts: Mapping[str, Any]) -> T:
    """Create the use case with those of the parts that it takes. Without a pace of deletions, it
    gets its own."""
    parts = {**_create_pace(parts["clock"]), **parts} if "clock" in parts else parts
    parts = {**_create_finders(parts["registry"]), **parts} if "registry" in parts else parts
    names = {part.name for part in fields(cast("Any", use_case))}
    return use_case(**{name: parts[name] for name in parts.keys() & names})


def _create_pace(clock: Clock) -> dict[str, Any]:
    running = RunningCreations(clock)
    return {"running": running, "pace": DeletionPace(clock, running)}


def _create_finders(registry: Registry) -> dict[str, Any]:
    return {
        "databases": FindDatabase(registry=registry),
        "templates": FindTemplate(registry=registry),
    }


def create_create_database(**parts: Any) -> CreateDatabase:
    parts = {"passwords": deriver} | parts
    inner = {
        "record": create_use_case(RecordCreation, parts),
        "delete": create_use_case(DeleteDatabase, parts),
    }
    provision = create_use_case(ProvisionDatabase, parts | inner)
    pool = parts.get("pool") or create_use_case(SparePool, parts)
    more = {
        "provision": provision,
        "claim": create_use_case(ClaimSpare, parts | {"provision": provision, "pool": pool}),
        "find_source": create_use_case(FindSource, parts),
    }
    return create_use_case(CreateDatabase, parts | more)

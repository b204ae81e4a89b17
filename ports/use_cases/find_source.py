"""Find the database or template that a new database is a copy of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.availability import check_target, check_usable
from domain.callers import Caller, Scope
from domain.database import Database
from domain.errors import (
    CopyUnsupported,
    DatabaseNotFound,
    IllegalTransition,
    InFlight,
    TemplateNotFound,
)
from domain.lifecycle import State
from domain.provisioning import Tenant
from domain.targets import Target
from domain.templates import is_ready_template
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Registry
from ports.use_cases.find_database import FindDatabase
from ports.use_cases.find_template import FindTemplate


@dataclass(frozen=True, kw_only=True)
class FindSource:
    """Every caller may copy the own and the shared templates. To copy a database, a caller must be
    allowed to read it: the copy shows everything in it."""

    registry: Registry
    provider: DatabaseProvider
    clock: Clock
    target: Target
    databases: FindDatabase
    templates: FindTemplate

    async def __call__(self, template: str, source: str, caller: Caller) -> Database | None:
        """Return the template or the database that is named; None if neither is."""
        if template:
            return await self.find_template(template, caller)
        return await self.find_database(source, caller) if source else None

    async def find_database(self, name: str, caller: Caller) -> Database:
        """Return the caller's ready database of that id, name or nickname.

        Raises CopyUnsupported, Forbidden, DatabaseNotFound, AmbiguousName, OtherTarget, InFlight,
        and IllegalTransition unless it is ready.
        """
        self._check_supported()
        caller.check_scope(Scope.READ)
        database = await self.databases(name, caller)
        check_target(database, self.target)
        check_usable(database, self.clock.now())
        return database

    async def find_template(self, name: str, caller: Caller) -> Database:
        """Return the ready template of that id or name: the caller's own before a shared one.

        Raises CopyUnsupported, TemplateNotFound, AmbiguousName, OtherTarget, and InFlight while it
        is created.
        """
        self._check_supported()
        template = await self.templates(name, caller)
        check_target(template, self.target)
        if template.state is not State.TEMPLATE:
            raise TemplateNotFound(f"The template {name!r} was deleted.")
        if not is_ready_template(template):
            raise InFlight(f"The template {name!r} is being created; retry soon.")
        return template

    def _check_supported(self) -> None:
        if not self.provider.can_copy:
            raise CopyUnsupported


async def get_source(registry: Registry, database: Database) -> Tenant | None:
    """Return the tenant that the database is a copy of; None if it is not a copy. Raises InFlight
    if that is a template that was replaced or deleted, and IllegalTransition if it is a database
    that was deleted."""
    if not database.source:
        return None
    source = await registry.get(database.source)
    if source.state is not State.DELETING and not source.is_gone:
        return source.tenant
    if source.is_template:
        raise InFlight("The template was replaced or deleted meanwhile; retry soon.")
    raise IllegalTransition(f"Database {source.id}, which was to be copied, was deleted.")


@asynccontextmanager
async def explain_missing_source(registry: Registry, database: Database) -> AsyncIterator[None]:
    """Translate a DatabaseNotFound of the body, which copies the source of the database. Raises
    what `get_source` raises, else DatabaseNotFound."""
    try:
        yield
    except DatabaseNotFound:
        await get_source(registry, database)
        raise

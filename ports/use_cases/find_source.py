"""Find the database or template that a new database is a copy of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.availability import check_target, check_usable
from domain.callers import Caller, Scope
from domain.database import Database
from domain.errors import (
    AmbiguousName,
    CopyUnsupported,
    DatabaseNotFound,
    IllegalTransition,
    InFlight,
    TemplateNotFound,
)
from domain.ids import is_id
from domain.lifecycle import State
from domain.provisioning import Tenant
from domain.targets import Target
from domain.templates import check_usable_by, choose_template, is_ready_template
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Query, Registry
from ports.use_cases.records import get_record, search_all

PRESENT = frozenset({State.PROVISIONING, State.READY, State.EXPIRED})
"""The states of databases that a name can stand for."""

PAGE = 1000

MAX_MATCHES = 10
"""The maximum number of ids in an error."""


@dataclass(frozen=True, kw_only=True)
class FindSource:
    """Every caller may copy the own and the shared templates. To copy a database, a caller must be
    allowed to read it: the copy shows everything in it."""

    registry: Registry
    provider: DatabaseProvider
    clock: Clock
    target: Target

    async def __call__(self, template: str, source: str, caller: Caller) -> Database | None:
        """Return the template or the database that is named; None if neither is."""
        if template:
            return await self.find_template(template, caller)
        return await self.find_database(source, caller) if source else None

    async def find_database(self, name: str, caller: Caller) -> Database:
        """Return the caller's ready database of that id, nickname or name.

        Raises CopyUnsupported, Forbidden, DatabaseNotFound, AmbiguousName, OtherTarget, InFlight,
        and IllegalTransition unless it is ready.
        """
        self._check_supported()
        caller.check_scope(Scope.READ)
        if is_id(name):
            database = await get_record(self.registry, name, caller)
        else:
            database = await self._find_named(name, caller)
        check_target(database, self.target)
        check_usable(database, self.clock.now())
        return database

    async def find_template(self, name: str, caller: Caller) -> Database:
        """Return the ready template of that id or name: the caller's own before a shared one.

        Raises CopyUnsupported, TemplateNotFound, OtherTarget, and InFlight while it is created.
        """
        self._check_supported()
        template = await self._get_template(name, caller)
        check_target(template, self.target)
        if template.state is not State.TEMPLATE:
            raise TemplateNotFound(f"The template {name!r} was deleted.")
        if not is_ready_template(template):
            raise InFlight(f"The template {name!r} is being created; retry soon.")
        return template

    def _check_supported(self) -> None:
        if not self.provider.can_copy:
            raise CopyUnsupported

    async def _find_named(self, name: str, caller: Caller) -> Database:
        query = Query(
            caller=None if caller.can_see_all else caller.name,
            states=PRESENT,
            shape="",
            target=self.target.name,
            name=name,
            limit=MAX_MATCHES,
        )
        match await self.registry.search(query):
            case []:
                raise DatabaseNotFound(f"There is no database {name!r}.")
            case [database]:
                return database
            case matches:
                ids = ", ".join(match.id for match in matches)
                raise AmbiguousName(f"Several databases are called {name!r}; use an id: {ids}.")

    async def _get_template(self, name: str, caller: Caller) -> Database:
        if is_id(name):
            return await get_template(self.registry, name, caller)
        query = Query(
            states=frozenset({State.TEMPLATE}), target=self.target.name, name=name, limit=PAGE
        )
        template = choose_template(await search_all(self.registry, query), caller)
        if template is None:
            raise TemplateNotFound(f"There is no template {name!r}.")
        return template


async def get_template(registry: Registry, template_id: str, caller: Caller) -> Database:
    """Return the record of the template of that id, in any state. Raises TemplateNotFound."""
    try:
        return check_usable_by(caller, await registry.get(template_id))
    except DatabaseNotFound:
        raise TemplateNotFound(f"There is no template {template_id!r}.") from None


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

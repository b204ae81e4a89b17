"""List, show and delete templates."""

from dataclasses import dataclass

from domain.callers import ANYONE, Caller
from domain.database import TEMPLATE_SHAPE, Database
from domain.errors import DatabaseNotFound, TemplateNotFound
from domain.lifecycle import State
from domain.templates import can_use, check_owned_by
from ports.driven.registry import Query, Registry
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.find_template import FindTemplate
from ports.use_cases.records import search_all

LISTED = frozenset({State.TEMPLATE, State.DELETING})

PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class ManageTemplates:
    """Callers see their own templates and the shared ones; admins see all, and change all."""

    registry: Registry
    delete: DeleteDatabase
    templates: FindTemplate

    async def list(self, caller: Caller = ANYONE) -> list[Database]:
        """Return the templates that the caller may copy, newest first, with those that are being
        created or deleted."""
        query = Query(states=LISTED, shape=TEMPLATE_SHAPE, limit=PAGE)
        return [each for each in await search_all(self.registry, query) if can_use(caller, each)]

    async def show(self, handle: str, caller: Caller = ANYONE) -> Database:
        """Return the record of the template of that id or name. Raises TemplateNotFound and
        AmbiguousName."""
        return await self.templates(handle, caller)

    async def request_deletion(self, template_id: str, caller: Caller = ANYONE) -> Database:
        """Record that the template is to be deleted. Databases that were copied from it stay.

        Idempotent. Raises TemplateNotFound, Forbidden for a shared template of another caller, and
        OtherTarget.
        """
        try:
            return await self.delete.request(template_id, caller, check=check_owned_by)
        except DatabaseNotFound:
            raise TemplateNotFound(f"There is no template {template_id!r}.") from None

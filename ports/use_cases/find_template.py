"""Find the template that an id or a name stands for."""

from dataclasses import dataclass

from domain.callers import ANYONE, Caller
from domain.database import TEMPLATE_SHAPE, Database
from domain.errors import DatabaseNotFound, TemplateNotFound
from domain.ids import is_id
from domain.lifecycle import State
from domain.templates import check_usable_by, choose_template
from ports.driven.registry import Query, Registry
from ports.use_cases.records import search_all

NAMED = frozenset({State.TEMPLATE, State.DELETING})
"""The states of templates that have a name."""

PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class FindTemplate:
    registry: Registry

    async def __call__(self, handle: str, caller: Caller = ANYONE) -> Database:
        """Return the template of that id, in any state, or the one that `choose_template` chooses
        among those of that name. Raises TemplateNotFound and AmbiguousName."""
        if is_id(handle):
            return await self._get(handle, caller)
        query = Query(states=NAMED, shape=TEMPLATE_SHAPE, nickname=handle, limit=PAGE)
        template = choose_template(await search_all(self.registry, query), caller)
        if template is None:
            raise TemplateNotFound(f"There is no template {handle!r}.")
        return template

    async def _get(self, template_id: str, caller: Caller) -> Database:
        try:
            return check_usable_by(caller, await self.registry.get(template_id))
        except DatabaseNotFound:
            raise TemplateNotFound(f"There is no template {template_id!r}.") from None

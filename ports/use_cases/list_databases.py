"""List the records of databases in pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.lifecycle import LISTED, State
from ports.driven.registry import Query, Registry, position_of
from ports.use_cases.pagination import encode_position, parse_position


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    states: frozenset[State] = frozenset()  # none: those of databases that exist
    labels: Mapping[str, str] = field(default_factory=dict)
    nickname: str | None = None  # None: any
    page_token: str = ""
    page_size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasePage:
    databases: list[Database]
    next_page_token: str  # empty on the last page


@dataclass(frozen=True, kw_only=True)
class ListDatabases:
    """Lists the caller's own databases, or all for an admin, newest first.

    Deleted and failed ones are left out unless `states` asks for them: nothing of them exists, and
    their records, which stay, cannot be removed from the list.
    """

    registry: Registry

    async def __call__(self, request: ListRequest, caller: Caller = ANYONE) -> DatabasePage:
        query = Query(
            caller=None if caller.can_see_all else caller.name,
            states=request.states or LISTED,
            shape="",
            labels=request.labels,
            nickname=request.nickname,
            before=parse_position(request.page_token),
            limit=request.page_size + 1,  # one more, to know whether there is a next page
        )
        found = await self.registry.search(query)
        page = found[: request.page_size]
        has_next = len(found) > request.page_size
        token = encode_position(position_of(page[-1])) if has_next else ""
        return DatabasePage(databases=page, next_page_token=token)

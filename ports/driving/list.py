"""Many databases' records, page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.caller import ANYONE
from domain.database import Database, State
from domain.errors import InvalidPageToken
from domain.identity import is_id
from ports.driven.registry import Query, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    states: frozenset[State] = frozenset()  # none: any
    labels: Mapping[str, str] = field(default_factory=dict)
    page_token: str = ""
    page_size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    databases: list[Database]
    next_page_token: str  # empty on the last page


@dataclass(frozen=True, kw_only=True)
class ListDatabases:
    """Newest first. Pages stay whole while databases come and go: a page begins after an id."""

    registry: Registry

    async def __call__(self, request: ListRequest, caller: str = ANYONE) -> Page:
        query = Query(
            caller=caller,
            states=request.states,
            labels=request.labels,
            before=_id_in(request.page_token),
            limit=request.page_size + 1,  # one more tells whether there is a next page
        )
        found = await self.registry.search(query)
        page = found[: request.page_size]
        more = len(found) > len(page)
        return Page(databases=page, next_page_token=_token_of(page[-1].id) if more else "")


def _token_of(database_id: str) -> str:
    return urlsafe_b64encode(database_id.encode()).decode()


def _id_in(token: str) -> str | None:
    if not token:
        return None
    try:
        database_id = urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise InvalidPageToken from None
    if not is_id(database_id):
        raise InvalidPageToken
    return database_id

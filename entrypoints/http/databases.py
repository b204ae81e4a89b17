"""`/v1/databases`."""

import re
from functools import partial

from aiohttp import web

from domain.database import State
from domain.errors import InvalidRequest
from entrypoints.http.bodies import NO_STORE, body_as, json_response
from entrypoints.http.keys import BACKGROUND, USE_CASES
from entrypoints.http.schemas import DatabaseOut, PageOut, VendBody, VendedOut
from ports.driving.list import ListRequest

LARGEST_PAGE = 200

_NUMBER = re.compile(r"[0-9]{1,9}")


async def create(request: web.Request) -> web.Response:
    body = await body_as(VendBody, request)
    vended = await request.app[USE_CASES].vend(body.request())
    location = {"Location": f"/v1/databases/{vended.database.id}"}
    return json_response(VendedOut.handed_out(vended), status=201, headers=location | NO_STORE)


async def show(request: web.Request) -> web.Response:
    database = await request.app[USE_CASES].show(request.match_info["id"])
    return json_response(DatabaseOut.of(database))


async def list_(request: web.Request) -> web.Response:
    page = await request.app[USE_CASES].list(_list_request(request))
    return json_response(PageOut.of(page))


async def delete(request: web.Request) -> web.Response:
    retire = request.app[USE_CASES].retire
    database = await retire.promise(request.match_info["id"])
    if not database.is_gone:
        finish = partial(retire.finish, database.id)
        request.app[BACKGROUND].spawn(finish, name=f"retire {database.id}")
    return json_response(DatabaseOut.of(database), status=202)


def _list_request(request: web.Request) -> ListRequest:
    query = request.query
    if unknown := set(query) - {"state", "label", "page_token", "page_size"}:
        raise InvalidRequest(f"There is no query parameter {min(unknown)[:63]!r}.")
    return ListRequest(
        states=frozenset(_state(text) for text in query.getall("state", [])),
        labels=dict(_label(text) for text in query.getall("label", [])),
        page_token=query.get("page_token", ""),
        page_size=_page_size(query.get("page_size", "50")),
    )


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise InvalidRequest(f"{text[:63]!r} is no state; there are {', '.join(State)}.") from None


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidRequest(f"Write a label as label=key=value, not {text[:63]!r}.")
    return key, value


def _page_size(text: str) -> int:
    if not (_NUMBER.fullmatch(text) and 1 <= int(text) <= LARGEST_PAGE):
        raise InvalidRequest(f"page_size is a number from 1 to {LARGEST_PAGE}.")
    return int(text)

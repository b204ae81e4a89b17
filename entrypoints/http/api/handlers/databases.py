"""Handlers of `/v1/databases`."""

from collections.abc import Mapping, Sequence
from functools import partial

from aiohttp import web

from domain.database import Database
from domain.errors import InvalidRequest
from domain.labels import checked_labels
from domain.states import State
from entrypoints.http.api.context import BACKGROUND, SUBJECT, USE_CASES
from entrypoints.http.api.headers import ASYNC_APPLIED, etag, idempotency_key, if_match, wants_async
from entrypoints.http.api.json_bodies import body_as, json_response
from entrypoints.http.api.query_values import page_size
from entrypoints.http.api.schemas.databases import (
    CreateDatabaseRequest,
    DatabasePageResponse,
    DatabaseResponse,
    DatabaseWithConnectionResponse,
    UpdateDatabaseRequest,
)
from entrypoints.http.callers import caller_of
from ports.use_cases.create_database import VendRequest
from ports.use_cases.list_databases import ListRequest


async def create(request: web.Request) -> web.Response:
    body = await body_as(CreateDatabaseRequest, request)
    wanted = body.to_request(key=idempotency_key(request), caller=caller_of(request))
    if wants_async(request):
        return await _promised(request, wanted)
    provisioned = await request.app[USE_CASES].create(wanted)
    request[SUBJECT] = provisioned.database.id
    headers = _address(provisioned.database) | etag(provisioned.database)
    return json_response(
        DatabaseWithConnectionResponse.handed_out(provisioned), status=201, headers=headers
    )


async def _promised(request: web.Request, wanted: VendRequest) -> web.Response:
    create_database = request.app[USE_CASES].create
    database = await create_database.request(wanted)
    request[SUBJECT] = database.id
    finish = partial(create_database.finish, database.id)
    request.app[BACKGROUND].spawn(finish, name=f"create {database.id}")
    headers = _address(database) | ASYNC_APPLIED
    return json_response(DatabaseResponse.of(database), status=202, headers=headers)


async def show(request: web.Request) -> web.Response:
    database = await request.app[USE_CASES].show(request.match_info["id"], caller_of(request))
    return json_response(DatabaseResponse.of(database), headers=etag(database))


async def list_(request: web.Request) -> web.Response:
    page = await request.app[USE_CASES].list(_list_request(request), caller_of(request))
    return json_response(DatabasePageResponse.of(page))


async def change(request: web.Request) -> web.Response:
    body = await body_as(UpdateDatabaseRequest, request)
    database = await request.app[USE_CASES].change(
        request.match_info["id"], body.to_request(versions=if_match(request)), caller_of(request)
    )
    return json_response(DatabaseResponse.of(database), headers=etag(database))


async def delete(request: web.Request) -> web.Response:
    delete = request.app[USE_CASES].delete
    database = await delete.request(request.match_info["id"], caller_of(request))
    complete = partial(delete.wait_until_deleted, database.id)
    request.app[BACKGROUND].spawn(complete, name=f"delete {database.id}")
    return json_response(DatabaseResponse.of(database), status=202, headers=_address(database))


def _address(database: Database) -> dict[str, str]:
    return {"Location": f"/v1/databases/{database.id}"}


def _list_request(request: web.Request) -> ListRequest:
    query = request.query
    return ListRequest(
        states=frozenset(_state(text) for text in query.getall("state", [])),
        labels=_labels(query.getall("label", [])),
        page_token=query.get("page_token", ""),
        page_size=page_size(request),
    )


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise InvalidRequest(
            f"{text[:63]!r} is not a state; use one of {', '.join(State)}."
        ) from None


def _labels(texts: Sequence[str]) -> Mapping[str, str]:
    labels = checked_labels(dict(map(_label, texts)))
    if len(labels) < len(texts):
        raise InvalidRequest("Each label key may be given only once.")
    return labels


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidRequest(f"{text[:63]!r} is not a label: write label=key=value.")
    return key, value

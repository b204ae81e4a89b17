"""Handlers of `/v1/databases`."""

from collections.abc import Mapping, Sequence
from functools import partial

from aiohttp import web

from domain.database import Database
from domain.errors import DatabaseNotFound, InvalidRequest
from domain.labels import validate_labels
from domain.lifecycle import PUBLIC, State
from entrypoints.http.api.context import (
    AUDIT_EVENT,
    AUDIT_SUBJECT,
    BACKGROUND,
    USE_CASES,
    get_caller,
)
from entrypoints.http.api.handles import find_database_id, parse_id
from entrypoints.http.api.headers import (
    ASYNC_APPLIED,
    format_etag,
    is_async_preferred,
    parse_idempotency_key,
    parse_if_match,
)
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.query_values import parse_count, parse_flag, parse_page_size
from entrypoints.http.api.schemas.databases import (
    ChangeDatabaseRequest,
    CreateDatabaseRequest,
    DatabasePageResponse,
    DatabaseResponse,
    DatabaseWithConnectionResponse,
    DeletedDatabasesResponse,
)
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.delete_databases import BulkDeletion
from ports.use_cases.list_databases import ListRequest
from ports.use_cases.reuse_database import ReuseDatabase


async def create_database(request: web.Request) -> web.Response:
    body = await read_body(CreateDatabaseRequest, request)
    create_request = body.to_request(key=parse_idempotency_key(request), caller=get_caller(request))
    if is_async_preferred(request):
        return await _create_async(request, create_request)
    create = _choose_use_case(request, create_request)
    provisioned = await create(create_request, request[AUDIT_EVENT])
    request[AUDIT_SUBJECT] = provisioned.database.id
    headers = _format_location(provisioned.database) | format_etag(provisioned.database)
    return json_response(
        DatabaseWithConnectionResponse.from_provisioned(provisioned),
        status=201 if provisioned.is_new else 200,
        headers=headers,
    )


def _choose_use_case(
    request: web.Request, create_request: CreateRequest
) -> CreateDatabase | ReuseDatabase:
    use_cases = request.app[USE_CASES]
    return use_cases.reuse if create_request.reuses else use_cases.create


async def _create_async(request: web.Request, create_request: CreateRequest) -> web.Response:
    create = _choose_use_case(request, create_request)
    database = await create.request(create_request, request[AUDIT_EVENT])
    request[AUDIT_SUBJECT] = database.id
    finish = partial(request.app[USE_CASES].create.finish, database.id)
    request.app[BACKGROUND].spawn(finish, name=f"create {database.id}")
    headers = _format_location(database) | ASYNC_APPLIED
    return json_response(DatabaseResponse.from_domain(database), status=202, headers=headers)


async def show_database(request: web.Request) -> web.Response:
    database = await request.app[USE_CASES].find(request.match_info["id"], get_caller(request))
    sizes = await _measure_sizes(request, [database])
    body = DatabaseResponse.from_domain(database, sizes.get(database.id))
    return json_response(body, headers=format_etag(database))


async def list_databases(request: web.Request) -> web.Response:
    page = await request.app[USE_CASES].list(_parse_list_request(request), get_caller(request))
    sizes = await _measure_sizes(request, page.databases)
    return json_response(DatabasePageResponse.from_domain(page, sizes))


async def change_database(request: web.Request) -> web.Response:
    body = await read_body(ChangeDatabaseRequest, request)
    database = await request.app[USE_CASES].change(
        await find_database_id(request),
        body.to_request(versions=parse_if_match(request)),
        get_caller(request),
        request[AUDIT_EVENT],
    )
    return json_response(DatabaseResponse.from_domain(database), headers=format_etag(database))


async def delete_database(request: web.Request) -> web.Response:
    database = await request.app[USE_CASES].delete.request(
        parse_id(request, DatabaseNotFound), get_caller(request), request[AUDIT_EVENT]
    )
    _delete_in_background(request, database.id)
    return json_response(
        DatabaseResponse.from_domain(database), status=202, headers=_format_location(database)
    )


async def _measure_sizes(request: web.Request, databases: Sequence[Database]) -> Mapping[str, int]:
    """Return the known sizes, by id, if the request asks for them. Raise InvalidRequest."""
    if not parse_flag(request, "size"):
        return {}
    return await request.app[USE_CASES].measure_sizes(databases)


async def delete_databases(request: web.Request) -> web.Response:
    deletion = BulkDeletion(labels=_parse_required_labels(request), count=parse_count(request))
    use_cases, ids = request.app[USE_CASES], list[str]()
    async for database_id in use_cases.delete_all.request(
        deletion, get_caller(request), request[AUDIT_EVENT]
    ):
        ids.append(database_id)
        _delete_in_background(request, database_id)
    return json_response(DeletedDatabasesResponse(ids=ids), status=202)


def _delete_in_background(request: web.Request, database_id: str) -> None:
    finish = partial(request.app[USE_CASES].delete.wait_until_deleted, database_id)
    request.app[BACKGROUND].spawn(finish, name=f"delete {database_id}")


def _format_location(database: Database) -> dict[str, str]:
    return {"Location": f"/v1/databases/{database.id}"}


def _parse_list_request(request: web.Request) -> ListRequest:
    query = request.query
    return ListRequest(
        states=frozenset(_parse_state(text) for text in query.getall("state", [])),
        labels=_parse_labels(query.getall("label", [])),
        nickname=query.get("nickname"),
        page_token=query.get("page_token", ""),
        page_size=parse_page_size(request),
    )


def _parse_state(text: str) -> State:
    if text not in PUBLIC:
        raise InvalidRequest(f"{text[:63]!r} is not a state; use one of {', '.join(PUBLIC)}.")
    return State(text)


def _parse_required_labels(request: web.Request) -> Mapping[str, str]:
    labels = _parse_labels(request.query.getall("label", []))
    if not labels:
        raise InvalidRequest("Send a label: all databases that have it are deleted.")
    return labels


def _parse_labels(texts: Sequence[str]) -> Mapping[str, str]:
    labels = validate_labels(dict(map(_parse_label, texts)))
    if len(labels) < len(texts):
        raise InvalidRequest("Each label key may be given only once.")
    return labels


def _parse_label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidRequest(f"{text[:63]!r} is not a label: write label=key=value.")
    return key, value

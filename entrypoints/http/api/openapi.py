"""The OpenAPI document, generated from the table of routes and the models of bodies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from itertools import chain

from pydantic import BaseModel

from domain.errors import (
    Forbidden,
    InvalidRequest,
    KeyRefused,
    PgvendError,
    RateLimited,
    Unauthenticated,
)
from entrypoints.http.api.headers import REQUEST_ID_HEADER
from entrypoints.http.api.json_bodies import JSON
from entrypoints.http.api.json_schemas import Json, SchemaRefs, generate_schemas
from entrypoints.http.api.problems import (
    CODES,
    INTERNAL_ERROR,
    MalformedBody,
    Problem,
    SlowBody,
    UnsupportedMediaType,
    find_status,
)
from entrypoints.http.api.routes.route import TAGS, Answer, Parameter, Route

PROBLEM = "application/problem+json"
TEXT: Json = {"type": "string"}
KEY = "key"
"""Name of the security scheme in the document."""

DESCRIPTION = """\
Create a PostgreSQL database from a nickname and get its credentials. Every error is a problem
(RFC 9457) with a stable `code`; `retryable` is true if the same request may succeed later. Any
request can fail with 400, 417, 421 or 431 if it is not valid HTTP or its Host is not allowed."""

INFO: Json = {
    "title": "pgvend",
    "description": DESCRIPTION,
    "contact": {"name": "The operator of this service"},
    "license": {"name": "The license of pgvend", "identifier": "LicenseRef-pgvend"},
}

BODY_ERRORS = (MalformedBody, SlowBody, UnsupportedMediaType, InvalidRequest)
KEY_ERRORS = (Unauthenticated, KeyRefused, Forbidden, RateLimited)
"""Errors of any body, and of any key."""


def create_document(routes: Iterable[Route], *, is_open: bool, anonymous: bool = False) -> Json:
    """Return the document of the documented `routes`.

    `is_open` describes a service without keys; `anonymous` one that accepts callers without a key
    at the routes that may be anonymous.
    """
    operations = [route for route in routes if route.is_documented]
    models, schemas = _create_schemas(operations)
    paths: dict[str, Json] = defaultdict(dict)
    for route in operations:
        needs_no_key = is_open or (anonymous and route.may_be_anonymous)
        operation = _create_operation(route, models, is_open=needs_no_key)
        below = f"{route.path}/{{id}}"
        if route.method == "POST":
            _add_links(operation, [other for other in operations if other.path.startswith(below)])
        paths[route.path][route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": INFO | {"version": version("pgvend")},
        "servers": [{"url": "/"}],
        "tags": [{"name": str(tag), "description": text} for tag, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": {REQUEST_ID_HEADER: _create_header("The id of the request in the log.")},
            "securitySchemes": {KEY: {"type": "http", "scheme": "bearer"}},
        },
    }


def _create_schemas(routes: Sequence[Route]) -> tuple[SchemaRefs, Json]:
    """Return references to all models of the routes, and the schemas they refer to."""
    request_models = [route.body for route in routes if route.body]
    response_models: list[type[BaseModel]] = [Problem]
    response_models += [
        body
        for route in routes
        for answer in route.answers
        for body in _list_bodies(answer)
        if body
    ]
    return generate_schemas(tuple(request_models), tuple(response_models))


def _create_operation(route: Route, models: SchemaRefs, *, is_open: bool) -> Json:
    operation: Json = {
        "operationId": route.name,
        "tags": [str(route.tag)],
        "summary": route.summary,
        "description": _describe(route),
        "parameters": [_create_parameter(parameter) for parameter in route.parameters],
        "responses": _create_answers(route, models) | _create_problems(route, models),
        "security": _create_security(route, is_open=is_open),
    }
    if route.body:
        content = {JSON: {"schema": models[route.body, "validation"]}}
        operation["requestBody"] = {"required": route.needs_body, "content": content}
    return operation


def _add_links(operation: Json, others: Iterable[Route]) -> None:
    """Link an operation that creates a resource to the operations on that resource."""
    for status in operation["responses"].keys() & {"201", "202"}:
        operation["responses"][status]["links"] = {
            other.name: {"operationId": other.name, "parameters": {"id": "$response.body#/id"}}
            for other in others
        }


def _create_parameter(parameter: Parameter) -> Json:
    return {
        "in": parameter.place,
        "name": parameter.name,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _create_security(route: Route, *, is_open: bool) -> list[Json]:
    """Return the security requirements; an empty one means that a key is optional."""
    if not route.needs_key:
        return []
    return [*([{}] if is_open else []), {KEY: []}]


def _describe(route: Route) -> str:
    """Return the description with the scope, which bearer security schemes cannot express."""
    if route.scope:
        return f"{route.description} Requires a key with the scope `{route.scope}`."
    return f"{route.description} Requires a key." if route.needs_key else route.description


def _create_answers(route: Route, models: SchemaRefs) -> Json:
    return {str(answer.status): _create_answer(answer, models) for answer in route.answers}


def _create_answer(answer: Answer, models: SchemaRefs) -> Json:
    response: Json = {"description": answer.description, "headers": _create_headers(answer.headers)}
    if content := _group_by_media_type(answer):
        response["content"] = {
            media_type: {"schema": models[model, "serialization"]} if model else {}
            for media_type, model in content.items()
        }
    return response


def _group_by_media_type(answer: Answer) -> Mapping[str, type[BaseModel] | None]:
    if answer.body is None or isinstance(answer.body, Mapping):
        return answer.body or {}
    return {JSON: answer.body}


def _list_bodies(answer: Answer) -> Iterable[type[BaseModel] | None]:
    return _group_by_media_type(answer).values()


def _create_problems(route: Route, models: SchemaRefs) -> Json:
    codes: dict[int, set[str]] = defaultdict(set)
    for status, code in chain(
        _list_http_errors(route), map(_status_and_code_from_error, _list_errors(route))
    ):
        codes[status].add(code)
    return {str(status): _create_problem(sorted(codes[status]), models) for status in sorted(codes)}


def _list_errors(route: Route) -> Iterable[type[PgvendError]]:
    yield from route.errors
    if route.body:
        yield from BODY_ERRORS
    if route.needs_key:
        yield from KEY_ERRORS
    if route.is_strict or route.parameters:
        yield InvalidRequest


def _status_and_code_from_error(error: type[PgvendError]) -> tuple[int, str]:
    return find_status(error), error.code


def _list_http_errors(route: Route) -> Iterable[tuple[int, str]]:
    """Yield the errors that aiohttp or a failure of the service causes."""
    yield 417, CODES[417]
    yield 500, INTERNAL_ERROR
    if route.body:
        yield 413, CODES[413]
    if any(parameter.place == "path" for parameter in route.parameters):
        yield 404, CODES[404]


def _create_problem(codes: Sequence[str], models: SchemaRefs) -> Json:
    """Return the problem with all its codes, so that clients can see new ones."""
    schema = models[Problem, "serialization"] | {"properties": {"code": {"enum": codes}}}
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "headers": _create_headers({}),
        "content": {PROBLEM: {"schema": schema}},
    }


def _create_headers(descriptions: Mapping[str, str]) -> Json:
    common = {REQUEST_ID_HEADER: {"$ref": f"#/components/headers/{REQUEST_ID_HEADER}"}}
    return {name: _create_header(text) for name, text in descriptions.items()} | common


def _create_header(description: str) -> Json:
    return {"description": description, "schema": TEXT}

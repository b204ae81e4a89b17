"""The OpenAPI document, made from the table of routes and the models that validate and answer."""

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
from entrypoints.http.bodies import JSON
from entrypoints.http.errors import (
    CODES,
    INTERNAL,
    MalformedBody,
    Problem,
    SlowBody,
    UnsupportedMediaType,
    status_of,
)
from entrypoints.http.json_schemas import Json, Models, schemas_of
from entrypoints.http.requests import REQUEST_ID_HEADER
from entrypoints.http.route import TAGS, Answer, Parameter, Route
from entrypoints.http.strict import OURS

PROBLEM = "application/problem+json"
TEXT: Json = {"type": "string"}
KEY = "key"
"""What the document calls the way in which callers show theirs."""

DESCRIPTION = """\
A nickname in, a working PostgreSQL database out. Every error is a problem (RFC 9457) with a stable
`code`; `retryable` says whether the same request may succeed later. Any call is answered by 400,
417, 421 or 431 where it is not well-formed HTTP, or asks by a name that is not the service's."""

INFO: Json = {
    "title": "pgvend",
    "description": DESCRIPTION,
    "contact": {"name": "Whoever runs this service"},
    "license": {"name": "The terms that pgvend comes with", "identifier": "LicenseRef-pgvend"},
}

READING = (MalformedBody, SlowBody, UnsupportedMediaType, InvalidRequest)
KEYED = (Unauthenticated, KeyRefused, Forbidden, RateLimited)
"""What may be wrong with any body, and with any key."""


def document(routes: Iterable[Route], *, is_open: bool, anonymous: bool = False) -> Json:
    """Of the listed `routes`, as a service answers that is `is_open` to callers without keys, or
    takes them as `anonymous` where a route may."""
    listed = [route for route in routes if route.listed]
    models, schemas = _schemas(listed)
    paths: dict[str, Json] = defaultdict(dict)
    for route in listed:
        goes_without = is_open or (anonymous and route.may_be_anonymous)
        operation = _operation(route, models, is_open=goes_without)
        below = f"{route.path}/{{id}}"
        _link(operation, [other for other in listed if other.path.startswith(below)])
        paths[route.path][route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": INFO | {"version": version("pgvend")},
        "servers": [{"url": "/"}],
        "tags": [{"name": str(tag), "description": text} for tag, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": {REQUEST_ID_HEADER: _header("What the log knows the request by.")},
            "securitySchemes": {KEY: {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[Models, Json]:
    """References to every model of the `routes`, and what they refer to."""
    sent = [route.body for route in routes if route.body]
    got: list[type[BaseModel]] = [Problem]
    got += [
        body for route in routes for answer in route.answers for body in _bodies(answer) if body
    ]
    return schemas_of(tuple(sent), tuple(got))


def _operation(route: Route, models: Models, *, is_open: bool) -> Json:
    told: Json = {
        "operationId": route.name,
        "tags": [str(route.tag)],
        "summary": route.summary,
        "description": _description(route),
        "parameters": [_parameter(parameter) for parameter in route.parameters],
        "responses": _answers(route, models) | _problems(route, models),
        "security": _security(route, is_open=is_open),
    }
    if route.body:
        content = {JSON: {"schema": models[route.body, "validation"]}}
        told["requestBody"] = {"required": route.needs_body, "content": content}
    return told


def _link(operation: Json, others: Iterable[Route]) -> None:
    """From what makes a thing with an id to what can be done with it."""
    for status in operation["responses"].keys() & {"201", "202"}:
        operation["responses"][status]["links"] = {
            other.name: {"operationId": other.name, "parameters": {"id": "$response.body#/id"}}
            for other in others
        }


def _parameter(parameter: Parameter) -> Json:
    return {
        "in": parameter.place,
        "name": parameter.name,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _security(route: Route, *, is_open: bool) -> list[Json]:
    """An empty one of several says that it goes without."""
    if route.scope is None:
        return []
    return [*([{}] if is_open else []), {KEY: []}]


def _description(route: Route) -> str:
    """With the scope: of a bearer token, the document's security has no place for it."""
    scope = f" Takes a key with the scope `{route.scope}`." if route.scope else ""
    return f"{route.description}{scope}"


def _answers(route: Route, models: Models) -> Json:
    return {str(answer.status): _answer(answer, models) for answer in route.answers}


def _answer(answer: Answer, models: Models) -> Json:
    told: Json = {"description": answer.description, "headers": _headers(answer.headers)}
    if content := _by_media_type(answer):
        told["content"] = {
            media_type: {"schema": models[model, "serialization"]} if model else {}
            for media_type, model in content.items()
        }
    return told


def _by_media_type(answer: Answer) -> Mapping[str, type[BaseModel] | None]:
    if answer.body is None or isinstance(answer.body, Mapping):
        return answer.body or {}
    return {JSON: answer.body}


def _bodies(answer: Answer) -> Iterable[type[BaseModel] | None]:
    return _by_media_type(answer).values()


def _problems(route: Route, models: Models) -> Json:
    codes: dict[int, set[str]] = defaultdict(set)
    for status, code in chain(_of_http(route), map(_of_error, _errors(route))):
        codes[status].add(code)
    return {str(status): _problem(sorted(codes[status]), models) for status in sorted(codes)}


def _errors(route: Route) -> Iterable[type[PgvendError]]:
    yield from route.errors
    if route.body:
        yield from READING
    if route.scope:
        yield from KEYED
    if route.path.startswith(OURS) or route.parameters:
        yield InvalidRequest


def _of_error(error: type[PgvendError]) -> tuple[int, str]:
    return status_of(error), error.code


def _of_http(route: Route) -> Iterable[tuple[int, str]]:
    """What aiohttp finds wrong, or we do with ourselves."""
    yield 417, CODES[417]
    yield 500, INTERNAL
    if route.body:
        yield 413, CODES[413]
    if any(parameter.place == "path" for parameter in route.parameters):
        yield 404, CODES[404]


def _problem(codes: Sequence[str], models: Models) -> Json:
    """With the codes that there are: a new one does not go unnoticed."""
    schema = models[Problem, "serialization"] | {"properties": {"code": {"enum": codes}}}
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "headers": _headers({}),
        "content": {PROBLEM: {"schema": schema}},
    }


def _headers(told: Mapping[str, str]) -> Json:
    common = {REQUEST_ID_HEADER: {"$ref": f"#/components/headers/{REQUEST_ID_HEADER}"}}
    return {name: _header(text) for name, text in told.items()} | common


def _header(description: str) -> Json:
    return {"description": description, "schema": TEXT}

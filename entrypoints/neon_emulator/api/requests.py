"""Request bodies, query parameters and names, checked by the API's rules."""

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from entrypoints.neon_emulator.api.middleware import API
from entrypoints.neon_emulator.errors import ApiError, BadRequest

IDENTIFIER_BYTES = 63

MAX_PROJECTS_PAGE = 400

ID_PATTERN = "^[a-z0-9-]{1,60}$"

RESERVED_ROLES = frozenset(
    {"neon_superuser", "cloud_admin", "zenith_admin", "neon_service", "public", "none"}
    # the emulator's own roles
    | {"postgres", "pgvend_admin"}
)
RESERVED_DATABASES = frozenset({"postgres", "template0", "template1"})


class RequestModel(BaseModel):
    """A request body. As in Neon's API, no field may be null."""

    model_config = ConfigDict(strict=True)

    @model_validator(mode="before")
    @classmethod
    def _reject_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            raise ValueError("unexpected null")
        return value


class NewRole(RequestModel):
    name: str
    no_login: bool = False


class NewRoleBody(RequestModel):
    role: NewRole


class NewDatabase(RequestModel):
    name: str
    owner_name: str


class NewDatabaseBody(RequestModel):
    database: NewDatabase


class DatabaseChange(RequestModel):
    name: str | None = None
    owner_name: str | None = None


class DatabaseChangeBody(RequestModel):
    database: DatabaseChange


class FirstBranch(RequestModel):
    name: str | None = Field(None, max_length=256)
    role_name: str | None = None
    database_name: str | None = None


class NewProject(RequestModel):
    name: str | None = Field(None, min_length=1, max_length=256)
    branch: FirstBranch = FirstBranch()
    pg_version: int | None = Field(None, ge=14, le=18)
    store_passwords: bool | None = None
    org_id: str | None = Field(None, pattern=ID_PATTERN)


class NewProjectBody(RequestModel):
    project: NewProject


class RenamedProject(RequestModel):
    name: str | None = None


class RenamedBranch(RequestModel):
    name: str | None = Field(None, max_length=256)


class RenamedProjectBody(RequestModel):
    project: RenamedProject


class RenamedBranchBody(RequestModel):
    branch: RenamedBranch


Body = TypeVar("Body", bound=BaseModel)


async def read_body(kind: type[Body], request: web.Request) -> Body:
    _check_is_json(request)
    try:
        return kind.model_validate(json.loads(await request.read()))
    except ValidationError as error:
        raise BadRequest(f"decode application/json: {describe_first_error(error)}") from None
    except ValueError:
        raise BadRequest("decode application/json: not JSON") from None


def _check_is_json(request: web.Request) -> None:
    """Raise BadRequest for another Content-Type; the emulator's own routes accept any."""
    if request.path.startswith(API) and request.content_type != "application/json":
        raise BadRequest(f"unexpected Content-Type: {request.content_type}")


def parse_number(
    request: web.Request, name: str, default: int, maximum: int, *, minimum: int = 1
) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and minimum <= int(text[:9]) <= maximum):
        raise BadRequest(f"{name} must be a number from {minimum} to {maximum}")
    return int(text)


def parse_text(request: web.Request, name: str) -> str:
    try:
        return request.query[name]
    except KeyError:
        raise BadRequest(f"decode params: query: {name!r} (parameter is not set)") from None


def parse_page_size(request: web.Request, default: int) -> int:
    """Return the page size of a list of projects; check `timeout` (ms), which has no effect."""
    parse_number(request, "timeout", 10_000, 30_000, minimum=100)
    return parse_number(request, "limit", default, MAX_PROJECTS_PAGE)


def parse_choice(request: web.Request, name: str, words: Sequence[str]) -> str:
    """Return a parameter that must be one of these words; the first word is the default."""
    word = request.query.get(name, words[0])
    if word not in words:
        raise BadRequest(f"{name} must be one of {', '.join(words)}")
    return word


def parse_id(request: web.Request, name: str) -> str | None:
    text = request.query.get(name)
    if text is not None and not re.fullmatch(ID_PATTERN, text):
        raise BadRequest(f"{name} must match {ID_PATTERN}")
    return text


def parse_flag(request: web.Request, name: str) -> bool:
    text = request.query.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise BadRequest(f"{name} must be true or false")
    return text == "true"


def check_role_name(name: str, status: int) -> None:
    _check_name("role", name, status)
    if name in RESERVED_ROLES or name.startswith("pg_"):
        raise ApiError(status, f'role name is reserved; role_name:"{name}"')


def check_database_name(name: str, status: int) -> None:
    _check_name("database", name, status)
    if name in RESERVED_DATABASES:
        raise ApiError(status, f'database name is reserved; database_name:"{name}"')


def _check_name(kind: str, name: str, status: int) -> None:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        length = 0
    if not 1 <= length <= IDENTIFIER_BYTES or "\0" in name:
        raise ApiError(status, f"{kind} name must have 1 to {IDENTIFIER_BYTES} bytes, and no NUL")


def describe_first_error(error: ValidationError) -> str:
    first: Any = error.errors()[0]
    field = ".".join(map(str, first["loc"])) or "body"
    reason = "field required" if first["type"] == "missing" else first["msg"]
    return f"invalid: {field} ({reason})"

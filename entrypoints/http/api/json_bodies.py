"""JSON request and response bodies."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from domain.errors import InvalidRequest
from entrypoints.http.api.problems import MalformedBody, SlowBody, UnsupportedMediaType

JSON = "application/json"

MAX_BODY = 64 * 1024
"""Maximum size of a request body in bytes."""

READ_TIMEOUT = 20.0
"""Seconds in which a caller must send the body."""

MAX_ERRORS = 5
"""Maximum number of errors in one answer; thousands of wrong members have one cause."""

B = TypeVar("B", bound=BaseModel)


async def read_body(
    model: type[B],
    request: web.Request,
    read_timeout: float = READ_TIMEOUT,
    *,
    optional: bool = False,
) -> B:
    """Return the parsed body; with `optional`, an empty body counts as an empty object. Raise
    MalformedBody, SlowBody, UnsupportedMediaType or InvalidRequest."""
    body = await _read(request, read_timeout)
    if optional and not body:
        return model()
    if not body:
        raise MalformedBody("The request body is empty: send a JSON object.")
    if request.content_type != JSON:
        raise UnsupportedMediaType("Send the body with Content-Type: application/json.")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        if mistakes[0]["type"] == "json_invalid":
            raise MalformedBody("The body is not JSON.") from None
        messages = [f"{_format_location(mistake['loc'])}: {mistake['msg']}" for mistake in mistakes]
        raise InvalidRequest("; ".join(messages[:MAX_ERRORS]) + ".") from None


async def _read(request: web.Request, read_timeout: float) -> bytes:
    try:
        async with asyncio.timeout(read_timeout):
            return await request.read()
    except TimeoutError:
        raise SlowBody from None
    except (web.RequestPayloadError, OSError):  # an OSError: the caller disconnected
        raise MalformedBody(
            "The body does not match its headers: check Content-Length, Transfer-Encoding and "
            "Content-Encoding."
        ) from None


def json_response(
    body: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        text=body.model_dump_json(),
        status=status,
        headers=headers,
        content_type=JSON,
    )


def _format_location(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part)[:63] for part in location) or "the body"

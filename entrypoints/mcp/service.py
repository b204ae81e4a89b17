"""What the tools work with: the API with the key of their caller, and the options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from starlette.datastructures import Headers
from starlette.requests import Request

from domain.secrets import Secret
from entrypoints.mcp.api import Api
from entrypoints.mcp.options import NO_OPTIONS, AgentOptions

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Service:
    """The API, and what agents may do with it."""

    api: Api
    options: AgentOptions = NO_OPTIONS


AgentContext = Context[Service, Request]
RequestContext = ServerRequestContext[Service, Request]


def caller_api(context: RequestContext) -> Api:
    """Return the API with the key of the caller: over HTTP the key of the request alone, over
    standard input the key of the settings."""
    api = context.lifespan_context.api
    if context.request is None:
        return api
    return replace(api, key=find_bearer_key(context.request.headers))


def api_of(context: AgentContext) -> Api:
    return caller_api(context.request_context)


def options_of(context: AgentContext) -> AgentOptions:
    return context.request_context.lifespan_context.options


def find_bearer_key(headers: Headers) -> Secret | None:
    """Return the bearer token, if there is exactly one and nothing else."""
    values = headers.getlist("Authorization")
    if len(values) != 1 or not values[0].lower().startswith(_SCHEME):
        return None
    key = values[0][len(_SCHEME) :].strip()
    return Secret(key) if key.isascii() and key.isprintable() else None


def drop_unset(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that have a value."""
    return {name: value for name, value in members.items() if value}

"""`/emulator`: change settings, lock projects and add faults while the emulator runs."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from entrypoints.neon_emulator.api.middleware import EMULATOR
from entrypoints.neon_emulator.api.requests import describe_first_error, read_body
from entrypoints.neon_emulator.api.responses import json_response
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.errors import BadRequest, NotFound
from entrypoints.neon_emulator.state.emulator import Emulator
from entrypoints.neon_emulator.state.faults import ANY, Fault
from entrypoints.neon_emulator.state.project import Project


class BehaviourChanges(RootModel[dict[str, Any]]):
    """Some fields of Behaviour."""


class LockRequest(BaseModel):
    """`seconds` None means until unlocked; `project_id` None means the first project."""

    model_config = ConfigDict(extra="forbid")

    project_id: str | None = None
    seconds: float | None = Field(None, ge=0)


async def show_behaviour(request: web.Request) -> web.Response:
    return json_response(request.app[EMULATOR].behaviour.model_dump())


async def change_behaviour(request: web.Request) -> web.Response:
    """Change all given settings, or none of them."""
    behaviour = request.app[EMULATOR].behaviour
    changes = (await read_body(BehaviourChanges, request)).root
    try:
        checked = Behaviour.model_validate(behaviour.model_dump() | changes)
    except ValidationError as error:
        raise BadRequest(describe_first_error(error)) from None
    for name in changes:
        setattr(behaviour, name, getattr(checked, name))
    return await show_behaviour(request)


async def lock(request: web.Request) -> web.Response:
    body = await read_body(LockRequest, request) if request.can_read_body else LockRequest()
    _find_project(request.app[EMULATOR], body.project_id).operations.lock(body.seconds)
    return web.Response(status=204)


async def unlock(request: web.Request) -> web.Response:
    """Unlock one project, or all."""
    emulator = request.app[EMULATOR]
    project_id = request.query.get("project_id")
    for project in (
        [_find_project(emulator, project_id)] if project_id else emulator.projects.values()
    ):
        project.operations.unlock()
    return web.Response(status=204)


async def list_faults(request: web.Request) -> web.Response:
    pending = request.app[EMULATOR].faults.list_pending()
    return json_response({"faults": [fault.model_dump(mode="json") for fault in pending]})


async def add_fault(request: web.Request) -> web.Response:
    fault = await read_body(Fault, request)
    names = {route.name for route in request.app.router.routes()}
    if fault.route not in names | {ANY}:
        raise BadRequest(f"there is no route {fault.route!r}")
    request.app[EMULATOR].faults.add(fault)
    return await list_faults(request)


async def clear_faults(request: web.Request) -> web.Response:
    request.app[EMULATOR].faults.clear()
    return web.Response(status=204)


async def list_requests(request: web.Request) -> web.Response:
    fields = ("method", "path", "status")
    exchanges = request.app[EMULATOR].exchanges
    return json_response({"requests": [dict(zip(fields, each, strict=True)) for each in exchanges]})


def _find_project(emulator: Emulator, project_id: str | None) -> Project:
    try:
        return emulator.projects[project_id or emulator.first.id]
    except KeyError:
        raise NotFound("project not found") from None

"""`/emulator`: change settings, lock projects and add faults while the emulator runs."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from entrypoints.neon_emulator.api.requests import body_as, first_mistake
from entrypoints.neon_emulator.api.responses import answer
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.errors import InvalidCall, NotFound
from entrypoints.neon_emulator.keys import EMULATOR
from entrypoints.neon_emulator.state.emulator import Emulator
from entrypoints.neon_emulator.state.faults import ANY, Fault
from entrypoints.neon_emulator.state.project import Project


class Knobs(RootModel[dict[str, Any]]):
    """Some fields of Behaviour."""


class Hold(BaseModel):
    """`seconds` None means until unlocked; `project_id` None means the first project."""

    model_config = ConfigDict(extra="forbid")

    project_id: str | None = None
    seconds: float | None = Field(None, ge=0)


async def show_behaviour(request: web.Request) -> web.Response:
    return answer(request.app[EMULATOR].behaviour.model_dump())


async def change_behaviour(request: web.Request) -> web.Response:
    """Change all given settings, or none of them."""
    knobs = request.app[EMULATOR].behaviour
    changes = (await body_as(Knobs, request)).root
    try:
        checked = Behaviour.model_validate(knobs.model_dump() | changes)
    except ValidationError as error:
        raise InvalidCall(first_mistake(error)) from None
    for name in changes:
        setattr(knobs, name, getattr(checked, name))
    return await show_behaviour(request)


async def lock(request: web.Request) -> web.Response:
    wanted = await body_as(Hold, request) if request.can_read_body else Hold()
    _project(request.app[EMULATOR], wanted.project_id).operations.hold(wanted.seconds)
    return web.Response(status=204)


async def unlock(request: web.Request) -> web.Response:
    """Unlock one project, or all."""
    emulator = request.app[EMULATOR]
    wanted = request.query.get("project_id")
    for project in [_project(emulator, wanted)] if wanted else emulator.projects.values():
        project.operations.release()
    return web.Response(status=204)


async def list_faults(request: web.Request) -> web.Response:
    pending = request.app[EMULATOR].faults.left()
    return answer({"faults": [fault.model_dump(mode="json") for fault in pending]})


async def add_fault(request: web.Request) -> web.Response:
    fault = await body_as(Fault, request)
    routes = {route.name for route in request.app.router.routes()}
    if fault.which not in routes | {ANY}:
        raise InvalidCall(f"there is no route {fault.which!r}")
    request.app[EMULATOR].faults.add(fault)
    return await list_faults(request)


async def clear_faults(request: web.Request) -> web.Response:
    request.app[EMULATOR].faults.clear()
    return web.Response(status=204)


async def list_requests(request: web.Request) -> web.Response:
    fields = ("method", "path", "status")
    exchanges = request.app[EMULATOR].exchanges
    return answer({"requests": [dict(zip(fields, each, strict=True)) for each in exchanges]})


def _project(emulator: Emulator, wanted: str | None) -> Project:
    try:
        return emulator.projects[wanted or emulator.first.id]
    except KeyError:
        raise NotFound("project not found") from None

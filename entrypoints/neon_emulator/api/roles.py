"""`/projects/{project_id}/branches/{branch_id}/roles`."""

from functools import partial

from aiohttp import web

from entrypoints.neon_emulator.api.calls import (
    Call,
    remove_failed,
    resolve_branch,
    take_stale_reads,
)
from entrypoints.neon_emulator.api.requests import NewRole, NewRoleBody, check_role_name, read_body
from entrypoints.neon_emulator.api.responses import json_response, render_operations, render_role
from entrypoints.neon_emulator.errors import ApiError, LimitExceeded, NotFound, PasswordsNotStored
from entrypoints.neon_emulator.state import identifiers
from entrypoints.neon_emulator.state.catalog import Role
from entrypoints.neon_emulator.state.operations import Operation


async def create(request: web.Request) -> web.Response:
    new = (await read_body(NewRoleBody, request)).role
    call = await resolve_branch(request)
    check_role_name(new.name, call.behaviour.name_error_status)
    call.check_may_change()
    _check_available(call, new.name)
    role = call.project.roles.add(_create_entry(call, new))
    operations = call.apply(
        role,
        partial(_create, call, role),
        on_failure=partial(remove_failed, call, call.project.roles, role),
        may_be_late=True,
    )
    return _render_change(call, role, operations, status=201, secret=True)


async def list_(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    return json_response(
        {"roles": [render_role(call.project, role) for role in call.project.roles.list_visible()]}
    )


async def show(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    role = call.project.roles.find_visible(request.match_info["role_name"])
    if role is None:
        raise NotFound("role not found")
    return json_response({"role": render_role(call.project, role)})


async def delete(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    role = call.project.roles.find(request.match_info["role_name"])
    if role is None:
        return web.Response(status=204)
    call.check_may_change()
    _check_owns_nothing(call, role)
    role.is_deleting = True
    operations = call.apply(role, partial(_drop, call, role), on_failure=role.cancel_deletion)
    return _render_change(call, role, operations)


async def reset_password(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    role = _find_role(call)
    call.check_may_change()
    role.password, role.no_login = identifiers.create_password(), False
    work = partial(_set_password, call, role, role.password)
    return _render_change(call, role, call.apply(role, work, may_be_late=True), secret=True)


async def reveal_password(request: web.Request) -> web.Response:
    call = await resolve_branch(request)
    role = _find_role(call)
    if not call.stores_passwords:
        raise PasswordsNotStored
    if role.password is None:
        raise ApiError(412, f'role has no password; role_name:"{role.name}"')
    return json_response({"password": role.password})


def _find_role(call: Call) -> Role:
    role = call.project.roles.find(call.request.match_info["role_name"])
    if role is None:
        raise NotFound("Role not found")
    return role


def _check_available(call: Call, name: str) -> None:
    behaviour = call.behaviour
    if call.project.roles.find(name):
        raise ApiError(
            behaviour.duplicate_role_status,
            f'{behaviour.duplicate_role_message}; role_name:"{name}"',
            behaviour.duplicate_role_code,
        )
    count = len(call.project.roles)
    if count >= behaviour.roles_limit:
        raise LimitExceeded("branch roles", behaviour.roles_limit, count)


def _check_owns_nothing(call: Call, role: Role) -> None:
    owned = [
        each.name for each in call.project.databases.list_all() if each.owner_name == role.name
    ]
    if owned:
        raise ApiError(
            call.behaviour.owner_deletion_status,
            f'role owns databases; role_name:"{role.name}"; database_name:"{owned[0]}"',
        )


def _create_entry(call: Call, new: NewRole) -> Role:
    has_password = call.behaviour.no_login_password or not new.no_login
    return Role(
        name=new.name,
        password=identifiers.create_password() if has_password else None,
        no_login=new.no_login,
        unseen_reads=take_stale_reads(call.request),
        created_at=call.now,
        updated_at=call.now,
    )


async def _create(call: Call, role: Role) -> None:
    password = None if role.no_login else role.password
    await call.project.compute.create_role(role.name, password)
    role.real_name = role.name
    await _end_sessions(call)


async def _set_password(call: Call, role: Role, password: str) -> None:
    """Set a password, or create the role if its creation failed, as a compute would."""
    if role.real_name is None:
        await _create(call, role)
        return
    await call.project.compute.set_password(role.real_name, password)
    await _end_sessions(call)


async def _end_sessions(call: Call) -> None:
    if call.behaviour.drop_connections:
        await call.project.compute.end_sessions()


async def _drop(call: Call, role: Role) -> None:
    if role.real_name:
        await call.project.compute.drop_role(role.real_name)
    call.project.roles.remove(role)


def _render_change(
    call: Call,
    role: Role,
    operations: list[Operation],
    *,
    status: int = 200,
    secret: bool = False,
) -> web.Response:
    body = {
        "role": render_role(call.project, role, secret=secret),
        **render_operations(call.project, operations),
    }
    return json_response(body, status)

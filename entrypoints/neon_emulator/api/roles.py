"""`/projects/{project_id}/branches/{branch_id}/roles`."""

from functools import partial

from aiohttp import web

from entrypoints.neon_emulator.api.calls import Call, branch_call, stale_reads, unmade
from entrypoints.neon_emulator.api.requests import NewRole, NewRoleBody, body_as, check_role_name
from entrypoints.neon_emulator.api.responses import answer, operations_body, role_body
from entrypoints.neon_emulator.errors import ApiError, LimitExceeded, NotFound, PasswordsNotStored
from entrypoints.neon_emulator.state import identifiers
from entrypoints.neon_emulator.state.catalog import Role
from entrypoints.neon_emulator.state.operations import Operation


async def create(request: web.Request) -> web.Response:
    wanted = (await body_as(NewRoleBody, request)).role
    call = await branch_call(request)
    check_role_name(wanted.name, call.behaviour.name_error_status)
    call.check_may_change()
    _check_room(call, wanted.name)
    role = call.project.roles.add(_new_role(call, wanted))
    operations = call.apply(
        role,
        partial(_make, call, role),
        lost=partial(unmade, call, call.project.roles, role),
        may_be_late=True,
    )
    return _changed(call, role, operations, status=201, secret=True)


async def list_(request: web.Request) -> web.Response:
    call = await branch_call(request)
    return answer({"roles": [role_body(call.project, role) for role in call.project.roles.seen()]})


async def show(request: web.Request) -> web.Response:
    call = await branch_call(request)
    role = call.project.roles.seen_as(request.match_info["role_name"])
    if role is None:
        raise NotFound("role not found")
    return answer({"role": role_body(call.project, role)})


async def delete(request: web.Request) -> web.Response:
    call = await branch_call(request)
    role = call.project.roles.find(request.match_info["role_name"])
    if role is None:
        return web.Response(status=204)
    call.check_may_change()
    _check_owns_nothing(call, role)
    role.going = True
    operations = call.apply(role, partial(_drop, call, role), lost=role.stay)
    return _changed(call, role, operations)


async def reset_password(request: web.Request) -> web.Response:
    call = await branch_call(request)
    role = _found(call)
    call.check_may_change()
    role.password, role.no_login = identifiers.create_password(), False
    work = partial(_set_password, call, role, role.password)
    return _changed(call, role, call.apply(role, work, may_be_late=True), secret=True)


async def reveal_password(request: web.Request) -> web.Response:
    call = await branch_call(request)
    role = _found(call)
    if not call.stores_passwords:
        raise PasswordsNotStored
    if role.password is None:
        raise ApiError(412, f'role has no password; role_name:"{role.name}"')
    return answer({"password": role.password})


def _found(call: Call) -> Role:
    role = call.project.roles.find(call.request.match_info["role_name"])
    if role is None:
        raise NotFound("Role not found")
    return role


def _check_room(call: Call, name: str) -> None:
    knobs = call.behaviour
    if call.project.roles.find(name):
        raise ApiError(
            knobs.duplicate_role_status,
            f'{knobs.duplicate_role_message}; role_name:"{name}"',
            knobs.duplicate_role_code,
        )
    count = len(call.project.roles)
    if count >= knobs.roles_limit:
        raise LimitExceeded("branch roles", knobs.roles_limit, count)


def _check_owns_nothing(call: Call, role: Role) -> None:
    owned = [each.name for each in call.project.databases.all() if each.owner_name == role.name]
    if owned:
        raise ApiError(
            call.behaviour.owner_deletion_status,
            f'role owns databases; role_name:"{role.name}"; database_name:"{owned[0]}"',
        )


def _new_role(call: Call, wanted: NewRole) -> Role:
    has_password = call.behaviour.no_login_password or not wanted.no_login
    return Role(
        name=wanted.name,
        password=identifiers.create_password() if has_password else None,
        no_login=wanted.no_login,
        unseen_reads=stale_reads(call.request),
        created_at=call.now,
        updated_at=call.now,
    )


async def _make(call: Call, role: Role) -> None:
    password = None if role.no_login else role.password
    await call.project.compute.create_role(role.name, password)
    role.real_name = role.name
    await _disturb(call)


async def _set_password(call: Call, role: Role, password: str) -> None:
    """Set a password, or create the role if its creation failed, as a compute would."""
    if role.real_name is None:
        await _make(call, role)
        return
    await call.project.compute.set_password(role.real_name, password)
    await _disturb(call)


async def _disturb(call: Call) -> None:
    if call.behaviour.drop_connections:
        await call.project.compute.end_sessions()


async def _drop(call: Call, role: Role) -> None:
    if role.real_name:
        await call.project.compute.drop_role(role.real_name)
    call.project.roles.forget(role)


def _changed(
    call: Call,
    role: Role,
    operations: list[Operation],
    *,
    status: int = 200,
    secret: bool = False,
) -> web.Response:
    body = {
        "role": role_body(call.project, role, secret=secret),
        **operations_body(call.project, operations),
    }
    return answer(body, status)

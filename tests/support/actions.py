"""Actions on a service, each as one call."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from adapters.memory.contents import EMPTY_SIZE
from domain.errors import ProviderBusy
from domain.sizes import MIN_SIZE_LIMIT, WARNING_PERIOD, SizeLimit
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.create_template import TemplateRequest
from tests.support.memory_faults import Process
from tests.support.memory_service import GRACE

LIMIT = SizeLimit(MIN_SIZE_LIMIT)
SALES = CreateRequest(nickname="Sales", ttl=timedelta(hours=1))
KEYED = replace(SALES, key="once")
REUSED = replace(
    SALES,
    nickname="First",
    on_conflict=OnConflict.REUSE,
    labels={"reused": "yes"},
    extensions=("hstore",),
)
TAKEN = replace(SALES, nickname="Taken")

Action = Callable[[Process, str], Awaitable[object]]
"""Performs an action with a process, on the database of that id if it concerns one."""


def create_by(request: CreateRequest) -> Action:
    async def action(process: Process, database_id: str) -> None:
        await process.memory.create_database(login_check=process.login_check)(request)

    return action


async def request_and_finish(process: Process, database_id: str) -> None:
    create_database = process.memory.create_database(login_check=process.login_check)
    requested = await create_database.request(KEYED)
    await create_database.finish(requested.id)


async def reuse(process: Process, database_id: str) -> None:
    reuse_database = process.memory.reuse_database(login_check=process.login_check)
    await reuse_database(REUSED)


async def request_reused(process: Process, database_id: str) -> None:
    reuse_database = process.memory.reuse_database(login_check=process.login_check)
    requested = await reuse_database.request(REUSED)
    await reuse_database.create.finish(requested.id)


async def rotate_password(process: Process, database_id: str) -> None:
    await process.memory.rotate()(database_id)


async def rotate_and_end_sessions(process: Process, database_id: str) -> None:
    await process.memory.rotate()(database_id, end_sessions=True)


async def add_an_extension(process: Process, database_id: str) -> None:
    await process.memory.add_extension()(database_id, "hstore")


async def extend(process: Process, database_id: str) -> None:
    change_request = ChangeRequest(ttl=timedelta(hours=2), labels={"a": "b"})
    await process.memory.change()(database_id, change_request)


async def delete_database(process: Process, database_id: str) -> None:
    await process.memory.delete(database_id)


async def reconcile_all(process: Process, database_id: str) -> None:
    await process.memory.reconcile(GRACE, login_check=process.login_check)()


async def expire(process: Process, database_id: str) -> None:
    process.memory.clock.moment += timedelta(hours=1)
    await reconcile_all(process, database_id)


async def expire_and_delete(process: Process, database_id: str) -> None:
    process.memory.clock.moment += timedelta(days=2)
    await reconcile_all(process, database_id)


async def restore_after_expiry(process: Process, database_id: str) -> None:
    await expire(process, database_id)
    await process.memory.restore()(database_id, timedelta(hours=1))


def chain(*acts: Action) -> Action:
    """Perform the actions in turn, even if the provider is busy during one of them."""

    async def action(process: Process, database_id: str) -> None:
        for former in acts[:-1]:
            with suppress(ProviderBusy):
                await former(process, database_id)
        await acts[-1](process, database_id)

    return action


async def create_template(process: Process, database_id: str) -> None:
    await process.memory.create_template()(TemplateRequest(name="shop", source=database_id))
    process.memory.clock.moment += timedelta(seconds=1)


async def copy_template(process: Process, database_id: str) -> None:
    await create_by(replace(SALES, template="shop"))(process, database_id)


async def delete_templates(process: Process, database_id: str) -> None:
    templates = process.memory.templates()
    for template in await templates.list():
        await templates.request_deletion(template.id)
        await process.memory.deletion().finish(template.id)


async def fork(process: Process, database_id: str) -> None:
    await create_by(replace(KEYED, source=database_id))(process, database_id)


async def exceed_size_limit(process: Process, database_id: str) -> None:
    process.memory.limit = LIMIT
    process.memory.provider.set_size(database_id, LIMIT.size + 1)
    await reconcile_all(process, database_id)
    process.memory.clock.moment += WARNING_PERIOD


async def free_space(process: Process, database_id: str) -> None:
    process.memory.provider.set_size(database_id, EMPTY_SIZE)


ACTIONS: dict[str, Action] = {
    "create": create_by(SALES),
    "create with a key": create_by(KEYED),
    "create with a name in use": create_by(TAKEN),
    "request and finish": request_and_finish,
    "reuse": reuse,
    "delete, reuse, expire, reuse": chain(delete_database, request_reused, expire, reuse),
    "rotate": rotate_password,
    "rotate and end sessions": rotate_and_end_sessions,
    "add an extension": add_an_extension,
    "change": extend,
    "delete": delete_database,
    "reconcile": reconcile_all,
    "expire": expire,
    "expire and delete": expire_and_delete,
    "restore": restore_after_expiry,
    "add an extension, rotate": chain(add_an_extension, rotate_password),
    "rotate, expire": chain(rotate_password, expire),
    "rotate, restore": chain(rotate_password, restore_after_expiry),
    "fork": fork,
    "create, replace, copy and delete a template": chain(
        create_template, create_template, copy_template, delete_templates
    ),
    "set read-only": chain(exceed_size_limit, reconcile_all),
    "set read-only, clear": chain(exceed_size_limit, reconcile_all, free_space, reconcile_all),
    "set read-only, rotate": chain(exceed_size_limit, reconcile_all, rotate_password),
}

"""A connection that is verified before it is shown again."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from domain.connection import Connection
from domain.errors import (
    IllegalTransition,
    InFlight,
    PasswordChanged,
    PgvendError,
    ProviderBusy,
    ProviderRejected,
)
from ports.driven.login_check import LoginCheck, PasswordRefused
from ports.driving.vended import Vended
from tests.support.doubles import RefusingLoginCheck
from tests.support.orders import new_order
from tests.support.vending import Memory


@dataclass
class Interrupted(LoginCheck):
    """Refuses the password after something else has happened to the database."""

    happening: asyncio.Future[object]

    async def verify(self, connection: Connection) -> None:
        await self.happening
        raise PasswordRefused


async def test_a_login_that_works_is_said_where_somebody_asks(
    memory: Memory, sales: Vended
) -> None:
    shown = await memory.connect()(sales.database.id, verify=True)
    assert shown == replace(sales, verified=True)
    assert await memory.connect()(sales.database.id) == replace(sales, verified=None)


async def test_a_password_that_the_owner_changed_is_told_with_the_way_out(
    memory: Memory, sales: Vended
) -> None:
    changed = replace(sales.database.order(memory.passwords), password=new_order().password)
    await memory.provider.rotate(changed)

    with pytest.raises(PasswordChanged, match="rotate"):
        await memory.connect()(sales.database.id, verify=True)
    assert await memory.connect()(sales.database.id) == sales

    await memory.rotate()(sales.database.id)
    assert (await memory.connect()(sales.database.id, verify=True)).verified


@pytest.mark.parametrize("error", [ProviderBusy(), ProviderRejected(), PgvendError()], ids=repr)
async def test_any_other_trouble_leaves_the_connection_unverified(
    memory: Memory, sales: Vended, error: PgvendError
) -> None:
    connect = replace(memory.connect(), login_check=RefusingLoginCheck(error))
    assert await connect(sales.database.id, verify=True) == replace(sales, verified=False)


async def test_nothing_is_verified_where_the_operator_turned_that_off(
    memory: Memory, sales: Vended
) -> None:
    connect = replace(memory.connect(), login_check=None)
    assert await connect(sales.database.id, verify=True) == replace(sales, verified=False)


@pytest.mark.parametrize(("change", "error"), [("rotate", InFlight), ("delete", IllegalTransition)])
async def test_a_refusal_that_our_own_change_explains_is_not_the_owners(
    memory: Memory, sales: Vended, change: str, error: type[PgvendError]
) -> None:
    act = memory.rotate() if change == "rotate" else memory.delete
    happening = asyncio.ensure_future(act(sales.database.id))
    connect = replace(memory.connect(), login_check=Interrupted(happening))

    with pytest.raises(error):
        await connect(sales.database.id, verify=True)

"""Somebody else makes exactly our names, at the worst moments: never adopted, never dropped."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from domain.errors import NameTaken
from domain.naming import Names, Nickname
from domain.states import State
from domain.target import Isolation
from ports.driving.vend import OnConflict, VendRequest
from tests.support.neon.crowds import assert_each_has_its_own, retired, serving
from tests.support.neon.intruder import Shared, shared_neon
from tests.support.orders import unique_name


@dataclass(frozen=True)
class Intrusion:
    """What somebody makes right before a request of ours."""

    method: str
    ending: str
    make: Callable[[Shared, Names], Awaitable[None]]


INTRUSIONS = {
    "a role, between our claim and our look": Intrusion("GET", "/roles", Shared.make_role),
    "a role, after our look": Intrusion("POST", "/roles", Shared.make_role),
    "a role that is not there yet": Intrusion("POST", "/roles", Shared.begin_role),
    "a database, between our claim and our look": Intrusion("GET", "/roles", Shared.make_database),
    "a database, after our look": Intrusion("POST", "/roles", Shared.make_database),
    "a database, before ours": Intrusion("POST", "/databases", Shared.make_database),
}

EACH = pytest.mark.parametrize("intrusion", INTRUSIONS.values(), ids=list(INTRUSIONS))


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Shared]:
    async with shared_neon() as shared:
        yield shared


@EACH
async def test_a_vend_gets_another_name_when_somebody_else_takes_its_own(
    shared: Shared, intrusion: Intrusion
) -> None:
    request = VendRequest(nickname=unique_name())
    async with serving(shared.neon, Isolation.NONE) as service:
        names = _intrude(shared, intrusion, request)
        vended = await service.vend()(request)

        assert shared.intruder.has_acted
        assert vended.database.names != names
        await assert_each_has_its_own([(service, vended)])
        theirs = await _theirs(shared, names)
        await retired([(service, vended)])
        assert await _theirs(shared, names) == theirs
        assert any(theirs), "what somebody else made is gone"
        assert await service.provider.inventory() == []


@EACH
async def test_a_vend_that_insists_on_its_name_leaves_nothing_and_takes_nothing(
    shared: Shared, intrusion: Intrusion
) -> None:
    request = VendRequest(nickname=unique_name(), on_conflict=OnConflict.REJECT)
    async with serving(shared.neon, Isolation.NONE) as service:
        names = _intrude(shared, intrusion, request)
        before = await shared.census()
        with pytest.raises(NameTaken):
            await service.vend()(request)

        record = await service.record()
        assert record.state is State.FAILED
        after = await shared.census()
        assert after.real_roles - before.real_roles <= {names.owner}
        assert len(after.real_roles | after.real_databases) == 1 + len(
            before.real_roles | before.real_databases
        )
        assert await service.provider.inventory() == []


def _intrude(shared: Shared, intrusion: Intrusion, request: VendRequest) -> Names:
    """Has them make what they make, under the names that the request would get."""
    names = Nickname(request.nickname).names()
    act = intrusion.make
    shared.intruder.before(intrusion.method, intrusion.ending, lambda: act(shared, names))
    return names


async def _theirs(shared: Shared, names: Names) -> tuple[bool, str | None]:
    """Is there a role of that name, and whose is the database of that name?"""
    census = await shared.census()
    return names.owner in census.real_roles, (await shared.owners()).get(names.database)

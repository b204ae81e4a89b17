"""An extension is added to a database: intended first, installed, finished by whoever finds it."""

import pytest

from domain.caller import Caller, Scope
from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    ExtensionUnavailable,
    IllegalTransition,
    InFlight,
    OutcomeUnknown,
    PasswordChanged,
    ProviderRejected,
    SecretUnknown,
)
from domain.passwords import PasswordDeriver
from domain.secret import Secret
from domain.states import State
from domain.steps import StepState, Work
from ports.driven.login_check import PasswordRefused
from ports.driving.vend import VendRequest
from tests.support.vending import Memory

OTHER = PasswordDeriver(Secret("another secret than that of all tests"))


async def vended(memory: Memory, *extensions: str, nickname: str = "Sales") -> Database:
    request = VendRequest(nickname=nickname, extensions=extensions)
    return (await memory.vend()(request)).database


def step_of(database: Database) -> StepState:
    [state] = [step.state for step in database.steps if step.name == Work.ADD_EXTENSION]
    return state


def failing(memory: Memory, at: str, error: Exception) -> None:
    async def trouble(moment: str) -> None:
        if moment == at:
            raise error

    memory.trouble = trouble


async def quiet(_: str) -> None:
    return


async def test_the_database_has_the_extension_and_the_record_says_so() -> None:
    memory = Memory()
    database = await vended(memory, "citext")

    record = await memory.add_extension()(database.id, "hstore")

    assert record == await memory.only_record()
    assert record.extensions == ("citext", "hstore")
    assert step_of(record) is StepState.DONE
    assert memory.provider.installed(database.tenant) == {"citext", "hstore"}
    assert record.is_at_rest or record.wake_at is None


async def test_adding_again_changes_nothing_but_the_steps() -> None:
    memory = Memory()
    database = await vended(memory)
    await memory.add_extension()(database.id, "hstore")

    record = await memory.add_extension()(database.id, "hstore")

    assert record.extensions == ("hstore",)


async def test_what_is_not_available_is_refused_with_the_list_and_the_record_stays() -> None:
    memory = Memory()
    database = await vended(memory)

    with pytest.raises(ExtensionUnavailable, match=r"'postgis' .* offers citext, .*Leave it out"):
        await memory.add_extension()(database.id, "postgis")

    assert await memory.only_record() == database


@pytest.mark.parametrize(
    ("refusal", "error"),
    [(ExtensionUnavailable(), ExtensionUnavailable), (PasswordRefused(), PasswordChanged)],
)
async def test_what_the_database_refuses_is_taken_back_from_the_record(
    refusal: Exception, error: type[Exception]
) -> None:
    memory = Memory()
    database = await vended(memory, "citext")
    failing(memory, "before install", refusal)

    with pytest.raises(error):
        await memory.add_extension()(database.id, "hstore")

    record = await memory.only_record()
    assert record.extensions == ("citext",)
    assert not record.is_pending(Work.ADD_EXTENSION)


@pytest.mark.parametrize("at", ["before install", "after install"])
@pytest.mark.parametrize("error", [OutcomeUnknown(), ProviderRejected()])
async def test_what_failed_is_finished_by_a_sweep(at: str, error: Exception) -> None:
    memory = Memory()
    database = await vended(memory)
    failing(memory, at, error)
    with pytest.raises(type(error)):
        await memory.add_extension()(database.id, "hstore")
    assert step_of(await memory.only_record()) is StepState.FAILED

    memory.trouble = quiet
    await memory.clock.sleep(11)
    findings = await memory.sweep()(drift=False)

    assert [(each.action, each.outcome) for each in findings] == [("add_extension", "done")]
    assert step_of(await memory.only_record()) is StepState.DONE
    assert memory.provider.installed(database.tenant) == {"hstore"}


async def test_another_extension_waits_for_the_one_that_is_pending() -> None:
    memory = Memory()
    database = await vended(memory)
    failing(memory, "before install", OutcomeUnknown())
    with pytest.raises(OutcomeUnknown):
        await memory.add_extension()(database.id, "hstore")
    memory.trouble = quiet

    with pytest.raises(InFlight, match="Another extension"):
        await memory.add_extension()(database.id, "citext")
    record = await memory.add_extension()(database.id, "hstore")

    assert record.extensions == ("hstore",)


async def test_while_somebody_is_at_work_on_it_the_caller_has_to_wait() -> None:
    memory = Memory()
    database = await vended(memory)
    async with memory.leases.held(database.id):
        with pytest.raises(InFlight):
            await memory.add_extension()(database.id, "hstore")


async def test_somebody_elses_database_is_not_there() -> None:
    memory = Memory()
    database = await vended(memory)
    stranger = Caller(name="stranger", scopes=frozenset({Scope.MANAGE}))

    with pytest.raises(DatabaseNotFound):
        await memory.add_extension()(database.id, "hstore", stranger)


async def test_a_database_that_is_on_its_way_out_gets_none() -> None:
    memory = Memory()
    database = await vended(memory)
    await memory.retire().promise(database.id)

    with pytest.raises(IllegalTransition):
        await memory.add_extension()(database.id, "hstore")

    assert (await memory.only_record()).state is State.RETIRING


async def test_nothing_is_intended_under_a_password_that_nobody_knows() -> None:
    memory = Memory()
    database = await vended(memory)
    memory.passwords = OTHER

    with pytest.raises(SecretUnknown):
        await memory.add_extension()(database.id, "hstore")

    assert await memory.only_record() == database


@pytest.mark.parametrize("call", ["__call__", "promise"])
async def test_an_unavailable_extension_is_refused_before_there_is_a_record(call: str) -> None:
    memory = Memory()
    request = VendRequest(nickname="Maps", extensions=("postgis",))

    with pytest.raises(ExtensionUnavailable, match="postgis"):
        await getattr(memory.vend(), call)(request)

    assert await memory.records() == []
    assert await memory.held() == set()

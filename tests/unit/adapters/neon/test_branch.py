"""Roles, databases and passwords of a branch, and the meaning of refusals."""

from typing import Any

import pytest

from adapters.neon.errors import NotVisible
from domain.errors import ProviderBusy, ProviderRejected
from tests.unit.adapters.neon.conftest import BRANCH, PROJECT, Wire, database, operation, role

ROLE = f"{BRANCH}/roles/user_ana"
DATABASE = f"{BRANCH}/databases/shop"
OPERATION = f"{PROJECT}/operations/op-1"

not_found_or_forbidden = pytest.mark.parametrize("status", [403, 404])

KEPT: dict[str, dict[str, Any]] = {
    "a branch that is not visible": {"status": 404},
    "a branch that is refused": {"status": 403},
    "a role that the key may not delete": {"payload": {"roles": [role()]}},
}


async def test_a_change_waits_for_its_operations(wire: Wire) -> None:
    wire.respond("DELETE", DATABASE, payload={"operations": [operation()]})
    wire.respond("GET", OPERATION, payload={"operation": operation("finished")})
    await wire.branch.delete_database("shop")
    assert wire.count("GET", OPERATION) == 1


@not_found_or_forbidden
async def test_deleting_a_missing_role_succeeds(wire: Wire, status: int) -> None:
    wire.respond("DELETE", ROLE, status=status)
    wire.respond("GET", f"{BRANCH}/roles", payload={"roles": [role("neondb_owner")]})
    await wire.branch.delete_role("user_ana")
    assert wire.count("DELETE", ROLE) == 1


@not_found_or_forbidden
@pytest.mark.parametrize("listing", KEPT.values(), ids=list(KEPT))
async def test_deleting_a_role_that_may_exist_fails(
    wire: Wire, status: int, listing: dict[str, Any]
) -> None:
    wire.respond("DELETE", ROLE, status=status)
    wire.respond("GET", f"{BRANCH}/roles", **listing)
    with pytest.raises(NotVisible):
        await wire.branch.delete_role("user_ana")


@not_found_or_forbidden
async def test_deleting_a_database_succeeds_only_if_it_is_not_listed(
    wire: Wire, status: int
) -> None:
    for listed in ([], [database("shop", "user_ana")]):
        wire.respond("DELETE", DATABASE, status=status)
        wire.respond("GET", f"{BRANCH}/databases", payload={"databases": listed})
    await wire.branch.delete_database("shop")
    with pytest.raises(NotVisible):
        await wire.branch.delete_database("shop")


@pytest.mark.parametrize("status", [409, 422])
async def test_a_role_that_still_owns_a_database_is_busy(wire: Wire, status: int) -> None:
    wire.respond("DELETE", ROLE, status=status)
    with pytest.raises(ProviderBusy):
        await wire.branch.delete_role("user_ana")


async def test_a_stored_password_is_revealed(wire: Wire) -> None:
    wire.respond("GET", f"{ROLE}/reveal_password", payload={"password": "npg_kept"})
    assert (await wire.branch.reveal_or_reset_password("user_ana")).reveal() == "npg_kept"


async def test_a_password_that_neon_does_not_store_is_reset(wire: Wire) -> None:
    wire.respond("GET", f"{ROLE}/reveal_password", status=412)
    answer = {"role": role(password="npg_new"), "operations": [operation()]}
    wire.respond("POST", f"{ROLE}/reset_password", payload=answer)
    wire.respond("GET", OPERATION, payload={"operation": operation("running")})
    wire.respond("GET", OPERATION, payload={"operation": operation("finished")})

    assert (await wire.branch.reveal_or_reset_password("user_ana")).reveal() == "npg_new"
    assert wire.count("GET", OPERATION) == 2


@pytest.mark.parametrize("status", [401, 423, 429, 503])
async def test_other_errors_do_not_reset_a_password(wire: Wire, status: int) -> None:
    wire.respond("GET", f"{ROLE}/reveal_password", status=status)
    with pytest.raises((ProviderBusy, ProviderRejected)):
        await wire.branch.reveal_or_reset_password("user_ana")
    assert wire.list_requests("POST") == []

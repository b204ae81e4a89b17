"""The branch's administrator, whose password may change at any time."""

from typing import Any

import pytest

from adapters.driver.tls import Tls
from adapters.neon.admin import PASSWORD_MAX_AGE, create_admin_login, find_admin_address
from domain.errors import ProviderBusy, ProviderRejected
from tests.unit.adapters.neon.conftest import BRANCH, PROJECT, Wire, database


async def test_the_admin_owns_the_oldest_foreign_database(wire: Wire) -> None:
    _add_list(wire, (30, "shop", "ana"), (20, "main", "neondb_owner"), (10, "first", "user_first"))
    _add_uri(wire, "npg_one", name="main")
    address = await find_admin_address(wire.branch)
    assert (address.user, address.database) == ("neondb_owner", "main")


async def test_without_a_foreign_database_there_is_no_admin(wire: Wire) -> None:
    _add_list(wire, (10, "first", "user_first"))
    with pytest.raises(ProviderRejected, match="Neon's console"):
        await find_admin_address(wire.branch)


async def test_without_stored_passwords_the_admin_is_refused(wire: Wire) -> None:
    _add_list(wire, (10, "neondb", "neondb_owner"))
    wire.respond("GET", _build_uri_path(), payload={"uri": "postgresql://neondb_owner@host/neondb"})
    with pytest.raises(ProviderRejected, match="store passwords"):
        await find_admin_address(wire.branch)


async def test_the_login_is_neons_and_hides_the_password(wire: Wire) -> None:
    login = await _create_login(wire)
    assert (login["host"], login["port"]) == ("ep-1.neon.example", 6000)
    assert login["tls"] == Tls(mode="verify-full")
    assert (login["user"], login["database"]) == ("neondb_owner", "neondb")
    assert "npg_one" not in repr(login)


@pytest.mark.parametrize(("late", "password", "reads"), [(0, "npg_one", 1), (1, "npg_two", 2)])
async def test_a_stale_password_is_read_again_and_a_fresh_one_is_not(
    wire: Wire, late: int, password: str, reads: int
) -> None:
    login = await _create_login(wire)
    wire.clock.passed += PASSWORD_MAX_AGE + late
    _add_uri(wire, "npg_two")
    assert [await login["password"]() for _ in range(3)] == [password] * 3
    assert wire.count("GET", _build_uri_path()) == reads


async def test_without_a_password_from_neon_the_login_fails(wire: Wire) -> None:
    login = await _create_login(wire)
    wire.clock.passed += PASSWORD_MAX_AGE + 1
    wire.respond("GET", _build_uri_path(), status=503)
    with pytest.raises(ProviderBusy):
        await login["password"]()


async def _create_login(wire: Wire) -> Any:
    _add_list(wire, (10, "neondb", "neondb_owner"))
    _add_uri(wire, "npg_one")
    return create_admin_login(wire.branch, await find_admin_address(wire.branch), wire.clock)


def _add_list(wire: Wire, *databases: tuple[int, str, str]) -> None:
    listed = [database(name, owner, number) for number, name, owner in databases]
    wire.respond("GET", f"{BRANCH}/databases", payload={"databases": listed})


def _add_uri(wire: Wire, password: str, name: str = "neondb") -> None:
    uri = f"postgresql://neondb_owner:{password}@ep-1.neon.example:6000/{name}?sslmode=require"
    wire.respond("GET", _build_uri_path(name), payload={"uri": uri})


def _build_uri_path(name: str = "neondb") -> str:
    query = f"branch_id=br-quiet-sea-1&database_name={name}&pooled=false&role_name=neondb_owner"
    return f"{PROJECT}/connection_uri?{query}"

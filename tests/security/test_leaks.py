"""No secret leaks into a log, an error, a file, a process title or a server's log."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.leak_checks import environments, scenario
from tests.support.leak_checks.environments import Environment
from tests.support.leak_checks.secret_search import Canary, Net, titles_of
from tests.support.neon.emulator import RunningEmulator
from tests.support.servers import OperatorsServer, ram_folder
from tests.support.service import NotStarted, RunningService, running_service

Open = Callable[[Net, Path], AbstractAsyncContextManager[Environment]]

ENVIRONMENTS: dict[str, Open] = {
    "memory": environments.in_memory,
    "embedded": environments.bundled,
    "postgres": environments.on_a_server,
}
ON_NEON = ("none", "role", "project")


@pytest.mark.parametrize("name", ENVIRONMENTS)
async def test_no_secret_leaks_in_the_whole_life_of_a_database(name: str) -> None:
    assert await caught_in(ENVIRONMENTS[name]) == []


@pytest.mark.parametrize("isolation", ON_NEON)
async def test_no_secret_leaks_over_neon(neon: RunningEmulator, isolation: str) -> None:
    assert await caught_in(environments.on_neon(neon, isolation)) == []


async def caught_in(open_environment: Open) -> list[str]:
    net = Net()
    with ram_folder() as parent:
        folder = parent / "data"
        async with open_environment(net, folder) as environment:
            await lived(net, environment, folder)
            await environment.harvest(net)
        net.add_files(folder)
    assert net.told, "no answer contained a password"
    for proof in environment.evidence:
        assert any(proof in text for _, text in net.haul), f"no log contains {proof!r}"
    return net.catch()


async def lived(net: Net, environment: Environment, folder: Path) -> None:
    """Use a database until its deletion, with a crash and a change of the secret."""
    old, new = net.marked("the secret of before"), net.marked("the secret")
    admin, web = net.marked("the admin's key"), net.marked("the operator's key")
    settings: dict[str, Any] = {
        **environment.settings,
        "PGVEND_ADMIN_KEY": admin,
        "PGVEND_API_KEYS": f"web={web}",
        "PGVEND_GRACE_PERIOD": "1d",
        "PGVEND_LOG_LEVEL": "debug",
    }
    serving = partial(watched, net, environment, folder)
    async with serving({**settings, "PGVEND_SECRET": old}) as service:
        async with scenario.asking(net, service, admin) as ask:
            await scenario.strangers(ask)
            key = await ask.new_key("caller")
        async with scenario.asking(net, service, web) as ask:
            await scenario.youth(ask)
            await scenario.mistakes(ask)
        async with scenario.asking(net, service, key) as ask:
            made = await scenario.youth(ask)
        async with scenario.asking(net, service, admin) as ask:
            for trouble in environment.troubles:
                await scenario.hardship(ask, made, trouble)
            if environment.expire:
                await scenario.age(ask, made, environment.expire)
            await scenario.killed_amid(ask, service)
    if environment.expire:  # else the database is gone
        rotated = {"PGVEND_SECRET": new, "PGVEND_SECRET_PREVIOUS": old}
        async with serving(settings | rotated) as service:
            async with scenario.asking(net, service, admin) as ask:
                await scenario.old_age(ask, made)
            assert await service.stop() == 0


@asynccontextmanager
async def watched(
    net: Net, environment: Environment, folder: Path, settings: dict[str, Any]
) -> AsyncIterator[RunningService]:
    async with running_service(folder, **settings) as service:
        await environment.begun(service)
        try:
            async with titles_of([service.process.pid, *environment.pids]) as titles:
                yield service
        finally:
            net.add("in the service's output", service.output())
            net.add("in a process's title", "\n".join(titles))


async def test_a_crash_shows_no_secret(tmp_path: Path) -> None:
    """No frame of the traceback shows its variables."""
    net = Net()
    crashing = script(tmp_path, "tests.support.leak_checks.crashing")
    settings: dict[str, Any] = {
        "PGVEND_PROVIDER": "memory",
        "PGVEND_SECRET": net.marked("the secret"),
        "PGVEND_ADMIN_KEY": (admin := net.marked("the admin's key")),
        "PGVEND_LOG_LEVEL": "debug",
    }
    async with (
        running_service(tmp_path / "data", python=crashing, **settings) as service,
        scenario.asking(net, service, admin) as ask,
    ):
        made = await ask("POST", "/v1/databases", {"nickname": "Sales"}, reveals=True)
        assert (await ask("POST", f"/v1/databases/{made.body['id']}/rotate")).status == 500
        net.add("in the service's output", written := service.output())
    assert "RuntimeError: an unforeseen error" in written
    assert net.catch() == []


WRONG = {
    "a server that refuses the login": {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": "postgresql://admin:{secret}@127.0.0.1:{port}/postgres",
    },
    "a registry that refuses the login": {
        "PGVEND_PROVIDER": "memory",
        "PGVEND_SECRET": "{secret}",
        "PGVEND_REGISTRY_URL": "postgresql://admin:{secret}@127.0.0.1:{port}/postgres",
    },
    "an unreachable registry": {
        "PGVEND_PROVIDER": "memory",
        "PGVEND_SECRET": "{secret}",
        "PGVEND_REGISTRY_URL": "postgresql://admin:{secret}@127.0.0.1:1/postgres",
    },
    "an invalid URL": {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": "{secret}",
        "PGVEND_REGISTRY_URL": "mysql://admin:{secret}@db.example/registry",
    },
    "an invalid DSN": {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": "postgresql://admin:{secret}@127.0.0.1/a?sslmode={secret}",
    },
    "unknown names": {"PGVEND_SECRETS": "{secret}", "PGVEND_SECRET": "{secret}"},
    "invalid keys": {"PGVEND_API_KEYS": "no name={secret},short", "PGVEND_PORT": "{secret}"},
    "short secrets": {"PGVEND_SECRET_PREVIOUS": "{secret},short"},
}


@pytest.mark.parametrize("settings", WRONG.values(), ids=list(WRONG))
async def test_wrong_settings_are_reported_without_a_secret(
    server_15: OperatorsServer, tmp_path: Path, settings: dict[str, Any]
) -> None:
    net = Net()
    secret = quote(net.marked("the secret"), safe="")
    net.canaries.append(Canary("the secret as it was set", secret))
    given = {
        name: value.format(secret=secret, port=server_15.port) for name, value in settings.items()
    }

    written = await written_by_a_start(tmp_path / "data", given)

    net.add("in the service's output", written)
    assert "Traceback" not in written
    assert net.catch() == []


async def written_by_a_start(folder: Path, settings: dict[str, Any]) -> str:
    """Start the service, which may fail, and return its output. A service may start before its
    server."""
    try:
        async with running_service(folder, PGVEND_LOG_LEVEL="debug", **settings) as service:
            await service.stop()
            return service.output()
    except NotStarted as refused:
        return str(refused)


def script(folder: Path, module: str) -> Path:
    """Write a program that runs the module with any arguments."""
    program = folder / "program"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module}\n')
    program.chmod(0o700)
    return program

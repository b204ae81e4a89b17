"""No secret leaks into a log, an error, a file, a trace, a process title or a server's log."""

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
from tests.support.leak_checks.secret_search import MarkedSecret, SecretSearch, watch_process_titles
from tests.support.neon.emulator import RunningEmulator
from tests.support.polling import wait_until
from tests.support.servers import OperatorsServer, ram_folder
from tests.support.service import NotStarted, RunningService, running_service
from tests.support.tracing import Collector, running_collector

Open = Callable[[SecretSearch, Path], AbstractAsyncContextManager[Environment]]

ENVIRONMENTS: dict[str, Open] = {
    "memory": environments.in_memory,
    "embedded": environments.bundled,
    "postgres": environments.on_a_server,
}
ON_NEON = ("none", "role", "project")


@pytest.mark.parametrize("name", ENVIRONMENTS)
async def test_no_secret_leaks_in_the_whole_life_of_a_database(name: str) -> None:
    assert await find_leaks_in(ENVIRONMENTS[name]) == []


@pytest.mark.parametrize("isolation", ON_NEON)
async def test_no_secret_leaks_over_neon(neon: RunningEmulator, isolation: str) -> None:
    assert await find_leaks_in(environments.on_neon(neon, isolation)) == []


async def find_leaks_in(open_environment: Open) -> list[str]:
    search = SecretSearch()
    with ram_folder() as parent:
        folder = parent / "data"
        async with (
            open_environment(search, folder) as environment,
            running_collector() as collector,
        ):
            await use_service(search, environment, folder, collector)
            await environment.collect(search)
        search.add("in a trace", b"\n".join(collector.bodies))
        search.add_files(folder)
    assert search.database_passwords, "no answer contained a password"
    for proof in (*environment.evidence, b"RotatePassword"):
        assert any(proof in text for _, text in search.texts), f"nothing contains {proof!r}"
    return search.find_leaks()


async def use_service(
    search: SecretSearch, environment: Environment, folder: Path, collector: Collector
) -> None:
    """Use a database until its deletion, with a crash and a change of the secret."""
    old = search.create_marked_secret("the previous secret")
    new = search.create_marked_secret("the secret")
    admin = search.create_marked_secret("the admin's key")
    web = search.create_marked_secret("the operator's key")
    settings: dict[str, Any] = {
        **environment.settings,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "PGVEND_ADMIN_KEY": admin,
        "PGVEND_API_KEYS": f"web={web}",
        "PGVEND_GRACE_PERIOD": "1d",
        "PGVEND_LOG_LEVEL": "debug",
    }
    run_service = partial(watched_service, search, environment, folder)
    async with run_service({**settings, "PGVEND_SECRET": old}) as service:
        async with scenario.recording_client(search, service, admin) as call_api:
            await scenario.send_invalid_keys(call_api)
            key = await call_api.create_key("caller")
        async with scenario.recording_client(search, service, web) as call_api:
            await scenario.use_database(call_api)
            await scenario.send_invalid_requests(call_api)
        async with scenario.recording_client(search, service, key) as call_api:
            await scenario.use_webhook(call_api)
            created = await scenario.use_database(call_api)
        async with scenario.recording_client(search, service, admin) as call_api:
            for failure in environment.failures:
                await scenario.use_during_failure(call_api, created, failure)
            if environment.expire:
                await scenario.expire_and_restore(call_api, created, environment.expire)
            await wait_until(lambda: "RotatePassword" in collector.list_names())
            await scenario.kill_during_creation(call_api, service)
    if environment.expire:  # else the database is gone
        rotated = {"PGVEND_SECRET": new, "PGVEND_SECRET_PREVIOUS": old}
        async with run_service(settings | rotated) as service:
            async with scenario.recording_client(search, service, admin) as call_api:
                await scenario.use_after_secret_change(call_api, created)
            assert await service.stop() == 0


@asynccontextmanager
async def watched_service(
    search: SecretSearch, environment: Environment, folder: Path, settings: dict[str, Any]
) -> AsyncIterator[RunningService]:
    async with running_service(folder, **settings) as service:
        await environment.on_start(service)
        try:
            async with watch_process_titles([service.process.pid, *environment.pids]) as titles:
                yield service
        finally:
            search.add("in the service's output", service.output())
            search.add("in a process's title", "\n".join(titles))


async def test_a_crash_shows_no_secret(tmp_path: Path) -> None:
    """No frame of the traceback shows its variables."""
    search = SecretSearch()
    crashing = write_program(tmp_path, "tests.support.leak_checks.crashing")
    settings: dict[str, Any] = {
        "PGVEND_PROVIDER": "memory",
        "PGVEND_SECRET": search.create_marked_secret("the secret"),
        "PGVEND_ADMIN_KEY": (admin := search.create_marked_secret("the admin's key")),
        "PGVEND_LOG_LEVEL": "debug",
    }
    async with (
        running_service(tmp_path / "data", python=crashing, **settings) as service,
        scenario.recording_client(search, service, admin) as call_api,
    ):
        created = await call_api("POST", "/v1/databases", {"nickname": "Sales"}, reveals=True)
        assert (await call_api("POST", f"/v1/databases/{created.body['id']}/rotate")).status == 500
        search.add("in the service's output", output := service.output())
    assert "RuntimeError: an unforeseen error" in output
    assert search.find_leaks() == []


INVALID_SETTINGS = {
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


@pytest.mark.parametrize("settings", INVALID_SETTINGS.values(), ids=list(INVALID_SETTINGS))
async def test_wrong_settings_are_reported_without_a_secret(
    server_15: OperatorsServer, tmp_path: Path, settings: dict[str, Any]
) -> None:
    search = SecretSearch()
    secret = quote(search.create_marked_secret("the secret"), safe="")
    search.marked_secrets.append(MarkedSecret("the secret as it was set", secret))
    configured = {
        name: value.format(secret=secret, port=server_15.port) for name, value in settings.items()
    }

    output = await start_and_read_output(tmp_path / "data", configured)

    search.add("in the service's output", output)
    assert "Traceback" not in output
    assert search.find_leaks() == []


async def start_and_read_output(folder: Path, settings: dict[str, Any]) -> str:
    """Start the service, which may fail, and return its output. A service may start before its
    server."""
    try:
        async with running_service(folder, PGVEND_LOG_LEVEL="debug", **settings) as service:
            await service.stop()
            return service.output()
    except NotStarted as refused:
        return str(refused)


def write_program(folder: Path, module: str) -> Path:
    """Write a program that runs the module with any arguments."""
    program = folder / "program"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module}\n')
    program.chmod(0o700)
    return program

"""The unit of `deploy/pgvend.service` under systemd: its restrictions leave pgvend and the bundled
PostgreSQL server what they need."""

import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.embedded.account import prepare_account
from tests.support.booted_system import BootedSystem, booted_system, copied_root
from tests.support.command_line import run_program
from tests.support.keyed_clients import ADMIN_KEY, bearer
from tests.support.polling import wait_until
from tests.support.postgres_under_test import session
from tests.support.requirements import skip_without
from tests.support.servers import find_free_port
from tests.support.service import REPOSITORY, RunningService
from tests.support.service_client import PATH, request_json, send_request

UNIT = "pgvend.service"

PYTHON = "/usr/bin/python3"

PROGRAM = f"""\
#!{PYTHON}
from entrypoints.cli.app import main
main()
"""

DROP_IN = """\
[Service]
Environment=PYTHONPATH=/opt/pgvend/source:/opt/pgvend/packages PORT={port}
LoadCredential=admin-key:/etc/pgvend/admin-key
Environment=PGVEND_ADMIN_KEY_FILE=%d/admin-key
"""

pytestmark = pytest.mark.timeout(300)


async def test_the_unit_serves_databases_recovers_and_stops(tmp_path: Path) -> None:
    port = find_free_port()
    service = RunningService(None, tmp_path, tmp_path, f"http://127.0.0.1:{port}")  # type: ignore[arg-type]
    async with _booted(tmp_path / "system", port) as system:
        await _wait_until_ready(service)
        body = {"nickname": "Web Shop", "extensions": ["vector"]}
        created = await request_json(service, "POST", PATH, body, **bearer(ADMIN_KEY))
        async with session({"dsn": created["connection"]["uri"]}) as tenant:
            await tenant.execute("CREATE TABLE orders AS SELECT 1 AS id")

        await system.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", UNIT)
        await wait_until(lambda: _has_restarted(system))
        await _wait_until_ready(service)
        async with session({"dsn": created["connection"]["uri"]}) as tenant:
            assert await tenant.fetchval("SELECT count(*) FROM orders") == 1

        await system.run("systemctl", "stop", UNIT)
        assert await system.show(UNIT, "Result") == "success"


@asynccontextmanager
async def _booted(folder: Path, port: int) -> AsyncIterator[BootedSystem]:
    """Boot a system with an installation of this pgvend in /opt/pgvend."""
    await _require_python()
    await prepare_account()
    with copied_root(folder) as root:
        _install(root, port)
        packages = Path(sysconfig.get_path("purelib"))
        binds = {"/opt/pgvend/source": REPOSITORY, "/opt/pgvend/packages": packages}
        async with booted_system(root, UNIT, binds) as system:
            yield system


def _install(root: Path, port: int) -> None:
    units = root / "etc/systemd/system"
    _write(units / UNIT, (REPOSITORY / "deploy" / UNIT).read_text())
    _write(units / f"{UNIT}.d/test.conf", DROP_IN.format(port=port))
    _write(root / "etc/pgvend/admin-key", ADMIN_KEY, 0o600)
    _write(root / "opt/pgvend/.venv/bin/pgvend", PROGRAM, 0o755)


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


async def _require_python() -> None:
    """Require a system Python that can use this one's packages: users' folders are hidden."""
    own = f"Python {sys.version_info.major}.{sys.version_info.minor}."
    found = shutil.which(PYTHON) and (await run_program(PYTHON, "--version")).stdout
    if not found or not found.startswith(own):
        skip_without(f"{PYTHON} to be {own}x")


async def _wait_until_ready(service: RunningService) -> None:
    async def is_ready() -> bool:
        try:
            status, _ = await send_request(service, "GET", "/readyz")
        except OSError:
            return False
        return status == 200

    await wait_until(is_ready)


async def _has_restarted(system: BootedSystem) -> bool:
    return await system.show(UNIT, "NRestarts") == "1"

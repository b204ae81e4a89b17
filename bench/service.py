"""`pgvend serve` in another process, and requests to it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import aiohttp

from bench.turns import Undo

POLL_INTERVAL = 0.02
DELETIONS_AT_ONCE = 8
FILL_INTERVAL = 0.1
FILL_TIMEOUT = 300.0


class Unmeasurable(Exception):
    """The scenario cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Service:
    """A running service. `client` has its address as its base."""

    client: aiohttp.ClientSession
    process: Process

    async def create(self, nickname: str | None = None, **body: Any) -> Mapping[str, Any]:
        """Create a database; a caller waits for this, transfer included."""
        body = {"nickname": nickname or f"Bench {token_hex(8)}", **body}
        created: Mapping[str, Any] = await self.request("POST", "/v1/databases", json=body)
        return created

    async def create_with_undo(self, **body: Any) -> Undo:
        created = await self.create(**body)
        return partial(self.delete, created["id"])

    async def delete(self, database_id: str) -> None:
        """Delete a database, and wait until the service has done so in the background."""
        path = f"/v1/databases/{database_id}"
        answer = await self.request("DELETE", path)
        while answer["state"] != "deleted":
            await asyncio.sleep(POLL_INTERVAL)
            answer = await self.request("GET", path)

    async def delete_all(self, ids: Iterable[str]) -> None:
        remaining = iter(ids)

        async def delete_next() -> None:
            for database_id in remaining:
                await self.delete(database_id)

        await asyncio.gather(*(delete_next() for _ in range(DELETIONS_AT_ONCE)))

    async def list_spares(self) -> Sequence[Mapping[str, Any]]:
        """Return the levels of the pool. Raises Unmeasurable if this version has no pool."""
        async with self.client.get("/v1/spares") as answer:
            if answer.status == 404:
                raise Unmeasurable("this version of pgvend has no pool")
            answer.raise_for_status()
            return list((await answer.json())["spares"])

    async def wait_for_spares(self) -> None:
        """Wait until the pool is full."""
        async with asyncio.timeout(FILL_TIMEOUT):
            while any(level["ready"] < level["wanted"] for level in await self.list_spares()):
                await asyncio.sleep(FILL_INTERVAL)

    async def request(self, method: str, path: str, **options: Any) -> Any:
        async with self.client.request(method, path, **options) as answer:
            if not answer.ok:
                raise RuntimeError(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()


@asynccontextmanager
async def serve(folder: Path, **settings: str) -> AsyncIterator[Service]:
    """Run the service with these settings, its data in the new folder, and a secret of its own.

    Services of different secrets can share a server: each sees only its own databases.
    """
    async with start(folder, **settings) as service:
        yield service


@asynccontextmanager
async def start(
    folder: Path, *, program: Sequence[str] = (), **settings: str
) -> AsyncIterator[Service]:
    """Run `pgvend serve`, or another program that prints its address the same way."""
    folder.mkdir(exist_ok=True)  # it has no .env
    process = await _start_process(folder, program or _pgvend(), settings)
    try:
        url = await _read_address(process, folder / "log")
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(url, timeout=timeout, connector=connector) as client:
            yield Service(client, process)
    finally:
        await stop(process)


async def stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.communicate()


def _pgvend() -> Sequence[str]:
    return (str(Path(sys.executable).with_name("pgvend")), "serve")


async def _start_process(
    folder: Path, program: Sequence[str], settings: Mapping[str, str]
) -> Process:
    environment = {"PATH": os.defpath, "PORT": "0", "PGVEND_DATA_DIR": str(folder / "data")}
    secret = folder / "secret"
    if not secret.exists():
        secret.write_text(token_hex(32))
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *program,
            cwd=folder,
            env={**environment, "PGVEND_SECRET": secret.read_text(), **settings},
            stdout=PIPE,
            stderr=log,
        )


async def _read_address(process: Process, log: Path) -> str:
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        raise RuntimeError(f"{log} says why the service did not start:\n{log.read_text()}")
    return line.decode().split()[-1]

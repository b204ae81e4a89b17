"""A run with clients and failures in each round, and the checks at its end."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import aiohttp
import asyncpg

from domain.lifecycle import PUBLIC
from tests.support.chaos.client import Client
from tests.support.chaos.environments import Census, Environment, NameSet
from tests.support.chaos.ledger import CreationRequest, KnownDatabase, Ledger
from tests.support.chaos.replicas import Replicas

CLIENTS = 8

ANSWERS = 24
"""The maximum number of answers before the next failure."""

TIMEOUT = aiohttp.ClientTimeout(total=120)
"""Longer than the service needs to answer that a request failed."""

Failure = Callable[[Random], Awaitable[None]]
"""A function that causes one failure and repairs it."""


def _seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))  # noqa: S311 - no secret


@dataclass(frozen=True)
class ChaosRun:
    """A run. `seed` determines the requests and the failures, but not their exact times."""

    service: Replicas
    environment: Environment
    cause_failure: Failure
    ledger: Ledger = field(default_factory=Ledger)
    seed: int = field(default_factory=_seed)

    async def execute(self, rounds: int) -> None:
        """Run the rounds and the checks, and print the counts and all violations."""
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
                await self._run_rounds(http, rounds)
            assert not self.service.find_error_lines()
            assert not self.ledger.violations
        except BaseException:
            _print(
                *self.ledger.violations,
                *self.service.find_error_lines(),
                self.service.read_log_tails(),
            )
            raise
        finally:
            counts = (f"{what}={count}" for what, count in sorted(self.ledger.counts.items()))
            _print(f"seed={self.seed} rounds={rounds} kills={self.service.kills}", *counts)

    async def _run_rounds(self, http: aiohttp.ClientSession, rounds: int) -> None:
        await self.service.start()
        before = await self.environment.list_names()
        async with self._running_clients(http):
            for number in range(rounds):
                rng = self._create_rng(f"round {number}")
                await self.ledger.wait_for_answers(rng.randint(1, ANSWERS))
                await asyncio.sleep(rng.uniform(0, 0.05))  # so that the failure comes at any moment
                await self.cause_failure(rng)
        checks = Checks(self._client(http, "checks", retry_probability=1))
        await checks.settle()
        await checks.check_requests()
        await checks.check_server(before, await self.environment.list_names())

    @asynccontextmanager
    async def _running_clients(self, http: aiohttp.ClientSession) -> AsyncIterator[None]:
        """Run the clients until the context exits; each completes its last request."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(self._client(http, str(number)).send_requests(over))
            yield
            over.set()

    def _client(
        self, http: aiohttp.ClientSession, name: str, retry_probability: float = 0.8
    ) -> Client:
        return Client(self.service, self.ledger, http, self._create_rng(name), retry_probability)

    def _create_rng(self, what: str) -> Random:
        return Random(f"{self.seed} {what}")  # noqa: S311 - no secret


def _print(*lines: str) -> None:
    print("", *lines, sep="\n  ")  # noqa: T201 - the result of `make chaos`


T = TypeVar("T")

MAX_RECONCILIATIONS = 300
PAUSE = 0.5
"""The maximum number of reconciliations, and the seconds between them: failed operations pause."""

CONCURRENT_CHECKS = 8

GONE = frozenset({"deleted", "failed"})

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Checks:
    """The checks, by a client that repeats every request. It records all violations."""

    client: Client

    @property
    def ledger(self) -> Ledger:
        return self.client.ledger

    async def settle(self) -> None:
        """Reconcile until there is nothing to do and no operation is incomplete."""
        for _ in range(MAX_RECONCILIATIONS):
            await self._extend()
            results = await self._reconcile()
            unfinished = [record for record in await self._records() if not _is_at_rest(record)]
            if not results and not unfinished:
                return
            await asyncio.sleep(PAUSE)
        raise AssertionError(
            f"after {MAX_RECONCILIATIONS} reconciliations there are still {results} "
            f"and {unfinished}"
        )

    async def check_requests(self) -> None:
        """Check idempotency keys, known databases, and databases whose answers were lost."""
        keyed = [request for request in self.ledger.requests if request.key]
        await _run_for_each(self.client.request_creation, keyed)
        await self._extend()
        records = {record["id"]: record for record in await self._records()}
        for request in keyed:  # a failed creation frees its key
            named = {each for each in request.ids if records.get(each, {}).get("state") != "failed"}
            if len(named) > 1:
                self.ledger.report_violation(f"the key {request.key} names {sorted(named)}")
        known = self.ledger.known_databases
        await _run_for_each(
            self._check_known, [(database, records.get(database.id)) for database in known.values()]
        )
        unclaimed = [record for record in records.values() if record["id"] not in known]
        await _run_for_each(
            self._check_unclaimed, [record for record in unclaimed if record["state"] not in GONE]
        )

    async def check_server(self, before: Census, after: Census) -> None:
        """Check that exactly the recorded roles and databases exist, and the earlier ones."""
        live = [record for record in await self._records() if record["state"] not in GONE]
        owners = frozenset(record["owner"] for record in live)
        databases = frozenset(record["database"] for record in live)
        self._compare("role", before[0] | owners, after[0])
        self._compare("database", before[1] | databases, after[1])

    async def _extend(self) -> None:
        """Extend databases that would otherwise expire during the checks."""
        soon = datetime.now(UTC) + timedelta(minutes=20)
        for record in await self._records():
            ends = record["expires_at"]
            if record["state"] == "ready" and ends and datetime.fromisoformat(ends) < soon:
                await self.client.ask("PATCH", f"/v1/databases/{record['id']}", {"ttl": "1h"})

    async def _reconcile(self) -> Sequence[Record]:
        self.ledger.counts["reconciliations"] += 1
        return list((await self._send("POST", "/v1/reconciliations"))["results"])

    async def _records(self) -> Sequence[Record]:
        found: list[Record] = []
        states = "&".join(f"state={state}" for state in PUBLIC)
        path = f"/v1/databases?page_size=200&{states}"
        token: str | None = ""
        while token is not None:
            page = await self._send("GET", f"{path}&page_token={token}" if token else path)
            found += page["databases"]
            token = page["next_page_token"] or None
        return found

    async def _send(self, method: str, path: str) -> Any:
        answer = await self.client.ask(method, path)
        if answer is None or answer.status != 200:
            raise AssertionError(f"{method} {path}: {answer}")
        return answer.body

    async def _check_known(self, known: tuple[KnownDatabase, Record | None]) -> None:
        database, record = known
        state = record["state"] if record else "forgotten"
        if not database.allows(state):
            self.ledger.report_violation(f"{database} is {state}: {record}")
        elif record and state == "ready":
            await self._check_contents(database, record)
        elif state == "failed":
            self.ledger.counts["accepted creations that failed"] += 1

    async def _check_contents(self, database: KnownDatabase, record: Record) -> None:
        wanted = (database.request.body["nickname"], database.request.body.get("labels", {}))
        if (record["nickname"], record["labels"]) != wanted:
            self.ledger.report_violation(f"{database} is recorded as {record}")
        if database.uri is None or not database.request.key:
            await self.client.check_connection(database)
        await self._check_login(database)

    async def _check_unclaimed(self, record: Record) -> None:
        """Check a database that no answer named: it is listed, so it must be complete."""
        self.ledger.counts["unclaimed"] += 1
        database = KnownDatabase(record["id"], CreationRequest({}), is_pending=False)
        await self.client.check_connection(database)
        await self._check_login(database)

    async def _check_login(self, database: KnownDatabase) -> None:
        self.ledger.counts["checked"] += 1
        try:
            session = await asyncpg.connect(database.uri)
            session.terminate()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self.ledger.report_violation(f"{database} refuses its owner's login: {error}")

    def _compare(self, kind: str, wanted: NameSet, found: NameSet) -> None:
        self.ledger.counts["leftovers"] += len(found - wanted)
        if found != wanted:
            extra, missing = sorted(found - wanted), sorted(wanted - found)
            self.ledger.report_violation(f"{kind}s without a record: {extra}; missing: {missing}")


def _is_at_rest(record: Record) -> bool:
    is_done = all(step["state"] == "done" for step in record["steps"])
    return record["state"] in GONE or (record["state"] == "ready" and is_done)


async def _run_for_each(check: Callable[[T], Awaitable[object]], cases: Iterable[T]) -> None:
    slots = asyncio.Semaphore(CONCURRENT_CHECKS)

    async def run_in_turn(case: T) -> None:
        async with slots:
            await check(case)

    await asyncio.gather(*map(run_in_turn, cases))

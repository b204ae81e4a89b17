"""The checks at the end of a run."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from domain.ids import ID_PATTERN, created_at_from_id
from domain.lifecycle import PUBLIC
from domain.names import OWNER_PREFIX
from tests.support.chaos.client import Client
from tests.support.chaos.environments import Census, NameSet
from tests.support.chaos.ledger import CreationRequest, KnownDatabase, Ledger

T = TypeVar("T")

MAX_RECONCILIATIONS = 300
PAUSE = 0.5
"""The maximum number of reconciliations, and the seconds between them: failed operations pause."""

CONCURRENT_CHECKS = 8

GONE = frozenset({"deleted", "failed"})

SPARE_NAME = re.compile(rf"({OWNER_PREFIX})?{ID_PATTERN.pattern}")
"""Names of the roles and databases of spares."""

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

    async def wait_for_spares(self) -> None:
        """Wait until all wanted spares are ready."""
        for _ in range(MAX_RECONCILIATIONS):
            if all(level["ready"] == level["wanted"] for level in await self._levels()):
                return
            await asyncio.sleep(PAUSE)
        raise AssertionError(f"some spares are still missing: {await self._levels()}")

    async def check_server(self, before: Census, after: Census) -> None:
        """Check that exactly the recorded roles and databases exist, the earlier ones, and the
        wanted spares."""
        records = await self._records()
        self.ledger.counts["claimed spares"] = sum(map(_was_spare, records))
        live = [record for record in records if record["state"] not in GONE]
        owners = frozenset(record["owner"] for record in live)
        databases = frozenset(record["database"] for record in live)
        self._compare("role", _without_spares(before[0]) | owners, _without_spares(after[0]))
        self._compare("database", _without_spares(before[1]) | databases, _without_spares(after[1]))
        await self._check_spares(after)

    async def _check_spares(self, after: Census) -> None:
        wanted = sum(level["wanted"] for level in await self._levels())
        for names in after:
            if len(spares := names - _without_spares(names)) != wanted:
                self.ledger.report_violation(f"{wanted} spares are wanted, but there are {spares}")

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

    async def _levels(self) -> Sequence[Record]:
        return list((await self._send("GET", "/v1/spares"))["spares"])

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


def _was_spare(record: Record) -> bool:
    """Return whether the database was a spare: its id is older than its creation."""
    age = datetime.fromisoformat(record["created_at"]) - created_at_from_id(record["id"])
    return age > timedelta(milliseconds=1)


def _without_spares(names: NameSet) -> NameSet:
    return frozenset(name for name in names if not SPARE_NAME.fullmatch(name))


def _is_at_rest(record: Record) -> bool:
    is_done = all(step["state"] == "done" for step in record["steps"])
    return record["state"] in GONE or (record["state"] == "ready" and is_done)


async def _run_for_each(check: Callable[[T], Awaitable[object]], cases: Iterable[T]) -> None:
    slots = asyncio.Semaphore(CONCURRENT_CHECKS)

    async def run_in_turn(case: T) -> None:
        async with slots:
            await check(case)

    await asyncio.gather(*map(run_in_turn, cases))

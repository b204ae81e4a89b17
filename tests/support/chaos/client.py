"""A client that sends random requests to the service while it is killed."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
import asyncpg

from tests.support.chaos.ledger import CreationRequest, Existence, KnownDatabase, Ledger
from tests.support.chaos.replicas import Replicas

ATTEMPTS = 500
"""Attempts at a request before the client reports a violation."""

NO_HEADERS: Mapping[str, str] = {}

MAX_DATABASES = 6
"""The maximum number of databases of a client."""

NICKNAMES = ("Shop", "Blog", "Sales Data", "wiki", "Größe", "test")
"""Few, so that names are taken and become free again."""

TERMS: Sequence[Mapping[str, object]] = (
    *({}, {}, {"ttl": "1h"}, {"ttl": "1m"}),
    {"labels": {"team": "red"}},
)

REFUSALS = (
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def is_transient(self) -> bool:
        return self.status in {409, 503} and bool(self.body["retryable"])

    @property
    def code(self) -> str:
        """The code of a problem."""
        return str(self.body.get("code", ""))


@dataclass
class Client:
    """A client. `retry_probability` is the probability that it repeats a request whose answer was
    lost. Only this client uses `own_databases`."""

    service: Replicas
    ledger: Ledger
    http: aiohttp.ClientSession
    rng: Random
    retry_probability: float = 0.8
    own_databases: list[KnownDatabase] = field(default_factory=list)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        repeatable: bool = True,
    ) -> Answer | None:
        """Send a request until the answer is final. Return None if the outcome is unknown."""
        for _ in range(ATTEMPTS):
            answer = await self._send(method, path, body, headers)
            if answer and not answer.is_transient:
                self.ledger.counts["answers"] += 1
                return answer
            if answer is None:
                self.ledger.counts["lost answers"] += 1
                if not repeatable or self.rng.random() > self.retry_probability:
                    return None
            await asyncio.sleep(self.rng.uniform(0.02, 0.2))
        self.ledger.report_violation(f"{method} {path} got no final answer: {answer}")
        return None

    def report_unexpected(self, method: str, path: str, answer: Answer) -> None:
        self.ledger.report_violation(f"{method} {path}: {answer.status} {answer.body}")

    async def _send(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> Answer | None:
        url = await self.service.address(self.rng) + path
        try:
            async with self.http.request(method, url, json=body, headers=headers) as response:
                return Answer(response.status, await response.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def send_requests(self, over: asyncio.Event) -> None:
        """Send requests until the event is set."""
        while not over.is_set():
            await self._act()
            await asyncio.sleep(self.rng.uniform(0, 0.1))

    async def _act(self) -> None:
        own = self.own_databases
        self.own_databases = [each for each in own if each.existence is Existence.EXISTS]
        may_create = len(self.own_databases) < MAX_DATABASES
        if not self.own_databases or (self.rng.random() < 0.3 and may_create):
            await self._create()
            return
        database = self.rng.choice(self.own_databases)
        weights = {
            self.check_connection: 2,
            self.replay: 3,
            self._rotate_once: 4,
            self._rotate_twice: 1,
            self._delete: 2 if may_create else 6,
            self._delete_while_rotating: 1,
        }
        (action,) = self.rng.choices(list(weights), list(weights.values()))
        await action(database)

    async def _create(self) -> None:
        key = self.rng.choice((None, uuid.uuid4().hex, uuid.uuid4().hex))
        request = CreationRequest(self._body(), key)
        self.ledger.requests.append(request)
        headers = {"Prefer": "respond-async"} if self.rng.random() < 0.3 else NO_HEADERS
        times = 2 if request.key and self.rng.random() < 0.2 else 1
        calls = (self.request_creation(request, headers) for _ in range(times))
        answers = await asyncio.gather(*calls)
        self.own_databases += {database for database in answers if database}

    def _body(self) -> Mapping[str, object]:
        return {
            "nickname": self.rng.choice(NICKNAMES),
            "on_conflict": self.rng.choice(("suffix", "suffix", "suffix", "reject")),
            **self.rng.choice(TERMS),
        }

    async def request_creation(
        self, request: CreationRequest, headers: Mapping[str, str] = NO_HEADERS
    ) -> KnownDatabase | None:
        """Send the request for a database, for the first time or again."""
        key = {"Idempotency-Key": request.key} if request.key else {}
        answer = await self.ask(
            "POST", "/v1/databases", request.body, {**key, **headers}, repeatable=bool(request.key)
        )
        if answer and answer.status == 201:
            self.ledger.counts["acknowledged"] += 1
            return self.ledger.record_created(
                request, answer.body["id"], answer.body["connection"]["uri"]
            )
        if answer and answer.status == 202:
            self.ledger.counts["accepted"] += 1
            return self.ledger.record_accepted(request, answer.body["id"])
        if answer and not self._is_expected(answer, request):
            self.report_unexpected("POST", "/v1/databases", answer)
        return None

    def _is_expected(self, answer: Answer, request: CreationRequest) -> bool:
        if answer.code == "name_taken":
            return bool(request.body["on_conflict"] == "reject")
        known = [self.ledger.known_databases[database_id] for database_id in request.ids]
        is_over = request.is_short_lived or any(database.may_be_gone for database in known)
        return answer.code == "illegal_state" and is_over

    async def replay(self, database: KnownDatabase) -> None:
        """Repeat the request of the database, if it had an idempotency key, and log in."""
        if database.request.key is None:
            return
        was_pending = database.is_pending
        again = await self.request_creation(database.request)
        if again:
            self.ledger.counts["replayed"] += 1
            await self.log_in(again)
        if again and again is not database:
            self.own_databases.append(again)
            if not was_pending:
                self.ledger.report_violation(
                    f"the idempotency key of {database.id} also created {again.id}"
                )

    async def check_connection(self, database: KnownDatabase) -> None:
        """Get the connection, and log in."""
        answer = await self._ask_about(database, "GET", "/connection?format=json")
        if answer:
            self.ledger.record_connection(database, answer.body["uri"])
            await self.log_in(database)

    async def _rotate(self, database: KnownDatabase) -> None:
        database.uri = None  # unknown until the answer
        answer = await self._ask_about(database, "POST", "/rotate")
        if answer:
            self.ledger.counts["rotated"] += 1
            database.uri = answer.body["connection"]["uri"]

    async def _rotate_once(self, database: KnownDatabase) -> None:
        """Rotate, and log in with the connection that the service then reports."""
        await self._rotate(database)
        await self.check_connection(database)

    async def _rotate_twice(self, database: KnownDatabase) -> None:
        """Rotate twice at the same time: the last password is unknown."""
        await asyncio.gather(self._rotate(database), self._rotate(database))
        database.uri = None

    async def _delete(self, database: KnownDatabase) -> None:
        database.existence = Existence.MAY_BE_GONE
        answer = await self.ask("DELETE", f"/v1/databases/{database.id}")
        if answer and answer.status == 202:
            self.ledger.counts["deleted"] += 1
            database.existence = Existence.GONE
        elif answer:
            self.report_unexpected("DELETE", database.id, answer)

    async def _delete_while_rotating(self, database: KnownDatabase) -> None:
        """Delete the database while its password is rotated."""
        await asyncio.gather(self._rotate(database), self._delete(database))

    async def _ask_about(self, database: KnownDatabase, method: str, what: str) -> Answer | None:
        """Send a request about a database. Return a successful answer, or None."""
        is_patient = method == "GET" or self.rng.random() < 0.5
        address = f"/v1/databases/{database.id}{what}"
        answer = await self.ask(method, address, repeatable=is_patient)
        if answer is None or answer.status == 200:
            return answer
        if answer.code != "illegal_state" or not (database.is_pending or database.may_be_gone):
            self.report_unexpected(method, f"{database.id}{what}", answer)
        elif database.existence is Existence.EXISTS and not database.is_pending:
            database.existence = Existence.MAY_BE_GONE
        return None

    async def log_in(self, database: KnownDatabase) -> None:
        """Log in with the latest URI. The server may be down at this moment."""
        if database.uri is None:
            return
        try:
            session = await asyncpg.connect(database.uri)
        except REFUSALS as error:
            if not database.may_be_gone:
                self.ledger.report_violation(f"{database.id} refuses its latest login: {error}")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            self.ledger.counts["servers found down"] += 1
        else:
            session.terminate()

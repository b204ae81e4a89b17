"""A client that sends random requests to the service while it is killed."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
import asyncpg

from tests.support.chaos.ledger import Entry, Fate, Ledger, Wish
from tests.support.chaos.replicas import Replicas

ATTEMPTS = 500
"""Attempts at a request before the client reports a violation."""

NO_HEADERS: Mapping[str, str] = {}

MANY = 6
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
    def may_pass(self) -> bool:
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
    chance: Random
    loyalty: float = 0.8
    mine: list[Entry] = field(default_factory=list)

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
            answer = await self._asked(method, path, body, headers)
            if answer and not answer.may_pass:
                self.ledger.counts["answers"] += 1
                return answer
            if answer is None:
                self.ledger.counts["lost answers"] += 1
                if not repeatable or self.chance.random() > self.loyalty:
                    return None
            await asyncio.sleep(self.chance.uniform(0.02, 0.2))
        self.ledger.complain(f"{method} {path} got no final answer: {answer}")
        return None

    def unexpected(self, method: str, path: str, answer: Answer) -> None:
        self.ledger.complain(f"{method} {path}: {answer.status} {answer.body}")

    async def _asked(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> Answer | None:
        url = await self.service.address(self.chance) + path
        try:
            async with self.http.request(method, url, json=body, headers=headers) as response:
                return Answer(response.status, await response.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def work(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._act()
            await asyncio.sleep(self.chance.uniform(0, 0.1))

    async def _act(self) -> None:
        self.mine = [entry for entry in self.mine if entry.fate is Fate.KEPT]
        if not self.mine or (self.chance.random() < 0.3 and len(self.mine) < MANY):
            await self._create()
            return
        entry = self.chance.choice(self.mine)
        acts = {
            self.look: 2,
            self.replay: 3,
            self._rotate_once: 4,
            self._rotate_twice: 1,
            self._delete: 2 if len(self.mine) < MANY else 6,
            self._leave: 1,
        }
        (act,) = self.chance.choices(list(acts), list(acts.values()))
        await act(entry)

    async def _create(self) -> None:
        wish = Wish(self._body(), self.chance.choice((None, uuid.uuid4().hex, uuid.uuid4().hex)))
        self.ledger.wishes.append(wish)
        headers = {"Prefer": "respond-async"} if self.chance.random() < 0.3 else NO_HEADERS
        times = 2 if wish.key and self.chance.random() < 0.2 else 1
        told = await asyncio.gather(*(self.fulfil(wish, headers) for _ in range(times)))
        self.mine += {entry for entry in told if entry}

    def _body(self) -> Mapping[str, object]:
        return {
            "nickname": self.chance.choice(NICKNAMES),
            "on_conflict": self.chance.choice(("suffix", "suffix", "suffix", "reject")),
            **self.chance.choice(TERMS),
        }

    async def fulfil(self, wish: Wish, headers: Mapping[str, str] = NO_HEADERS) -> Entry | None:
        """Send the request for a database, for the first time or again."""
        key = {"Idempotency-Key": wish.key} if wish.key else {}
        answer = await self.ask(
            "POST", "/v1/databases", wish.body, {**key, **headers}, repeatable=bool(wish.key)
        )
        if answer and answer.status == 201:
            self.ledger.counts["acknowledged"] += 1
            return self.ledger.made(wish, answer.body["id"], answer.body["connection"]["uri"])
        if answer and answer.status == 202:
            self.ledger.counts["promised"] += 1
            return self.ledger.promised(wish, answer.body["id"])
        if answer and not self._was_to_be_expected(answer, wish):
            self.unexpected("POST", "/v1/databases", answer)
        return None

    def _was_to_be_expected(self, answer: Answer, wish: Wish) -> bool:
        if answer.code == "name_taken":
            return bool(wish.body["on_conflict"] == "reject")
        known = [self.ledger.entries[database_id] for database_id in wish.ids]
        is_over = wish.is_short or any(entry.may_be_over for entry in known)
        return answer.code == "illegal_state" and is_over

    async def replay(self, entry: Entry) -> None:
        """Repeat the request of the database, if it had an idempotency key, and log in."""
        if entry.wish.key is None:
            return
        was_promise = entry.is_promise
        again = await self.fulfil(entry.wish)
        if again:
            self.ledger.counts["replayed"] += 1
            await self.log_in(again)
        if again and again is not entry:
            self.mine.append(again)
            if not was_promise:
                self.ledger.complain(f"the idempotency key of {entry.id} also created {again.id}")

    async def look(self, entry: Entry) -> None:
        """Get the connection, and log in."""
        answer = await self._about(entry, "GET", "/connection?format=json")
        if answer:
            self.ledger.handed_out(entry, answer.body["uri"])
            await self.log_in(entry)

    async def _rotate(self, entry: Entry) -> None:
        entry.uri = None  # unknown until the answer
        answer = await self._about(entry, "POST", "/rotate")
        if answer:
            self.ledger.counts["rotated"] += 1
            entry.uri = answer.body["connection"]["uri"]

    async def _rotate_once(self, entry: Entry) -> None:
        """Rotate, and log in with the connection that the service then reports."""
        await self._rotate(entry)
        await self.look(entry)

    async def _rotate_twice(self, entry: Entry) -> None:
        """Rotate twice at the same time: the last password is unknown."""
        await asyncio.gather(self._rotate(entry), self._rotate(entry))
        entry.uri = None

    async def _delete(self, entry: Entry) -> None:
        entry.fate = Fate.PERHAPS_GONE
        answer = await self.ask("DELETE", f"/v1/databases/{entry.id}")
        if answer and answer.status == 202:
            self.ledger.counts["deleted"] += 1
            entry.fate = Fate.GONE
        elif answer:
            self.unexpected("DELETE", entry.id, answer)

    async def _leave(self, entry: Entry) -> None:
        """Delete the database while its password is rotated."""
        await asyncio.gather(self._rotate(entry), self._delete(entry))

    async def _about(self, entry: Entry, method: str, what: str) -> Answer | None:
        """Send a request about a database. Return a successful answer, or None."""
        is_patient = method == "GET" or self.chance.random() < 0.5
        address = f"/v1/databases/{entry.id}{what}"
        answer = await self.ask(method, address, repeatable=is_patient)
        if answer is None or answer.status == 200:
            return answer
        if answer.code != "illegal_state" or not (entry.is_promise or entry.may_be_over):
            self.unexpected(method, f"{entry.id}{what}", answer)
        elif entry.fate is Fate.KEPT and not entry.is_promise:
            entry.fate = Fate.PERHAPS_GONE
        return None

    async def log_in(self, entry: Entry) -> None:
        """Log in with the latest URI. The server may be down at this moment."""
        if entry.uri is None:
            return
        try:
            session = await asyncpg.connect(entry.uri)
        except REFUSALS as error:
            if not entry.may_be_over:
                self.ledger.complain(f"{entry.id} refuses its latest login: {error}")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            self.ledger.counts["servers found down"] += 1
        else:
            session.terminate()

"""A client of the service: asks for this and that, at random, while the service is killed."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from tests.support.chaos.caller import NO_HEADERS, Answer, Caller
from tests.support.chaos.ledger import Entry, Fate, Wish

MANY = 6
"""Databases of one client, beyond which it makes no more."""

NICKNAMES = ("Shop", "Blog", "Sales Data", "wiki", "Größe", "test")
"""Few: that names are taken, and become free again, is part of it."""

TERMS: Sequence[Mapping[str, object]] = (
    {},
    {},
    {"ttl": "1h"},
    {"ttl": "1m"},
    {"labels": {"team": "red"}},
)

REFUSALS = (
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)


@dataclass
class Client(Caller):
    """`mine` are the databases that it knows of, which are nobody else's business."""

    mine: list[Entry] = field(default_factory=list)

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
        acts = (
            self.look,
            self.replay,
            self._rotate_once,
            self._rotate_twice,
            self._delete,
            self._leave,
        )
        weights = (2, 3, 4, 1, 2 if len(self.mine) < MANY else 6, 1)
        (act,) = self.chance.choices(acts, weights)
        await act(entry)

    async def _create(self) -> None:
        wish = Wish(self._body(), self.chance.choice((None, uuid.uuid4().hex, uuid.uuid4().hex)))
        self.ledger.wishes.append(wish)
        headers = {"Prefer": "respond-async"} if self.chance.random() < 0.3 else NO_HEADERS
        times = 2 if wish.key and self.chance.random() < 0.2 else 1
        told = await asyncio.gather(*(self.fulfil(wish, headers) for _ in range(times)))
        self.mine += {entry for entry in told if entry}

    def _body(self) -> Mapping[str, object]:
        conflict = {"on_conflict": self.chance.choice(("suffix", "suffix", "suffix", "reject"))}
        return {
            "nickname": self.chance.choice(NICKNAMES),
            **self.chance.choice(TERMS),
            **conflict,
        }

    async def fulfil(self, wish: Wish, headers: Mapping[str, str] = NO_HEADERS) -> Entry | None:
        """Ask for what is wished for, for the first time or again."""
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
        """Repeat the request that made it, if it had a key, and use what is answered."""
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
                self.ledger.complain(f"the key that made {entry.id} has made {again.id} as well")

    async def look(self, entry: Entry) -> None:
        """Have the connection told again, and use it."""
        answer = await self._about(entry, "GET", "/connection?format=json")
        if answer:
            self.ledger.told(entry, answer.body["uri"])
            await self.log_in(entry)

    async def _rotate(self, entry: Entry) -> None:
        entry.uri = None  # until it is answered
        answer = await self._about(entry, "POST", "/rotate")
        if answer:
            self.ledger.counts["rotated"] += 1
            entry.uri = answer.body["connection"]["uri"]

    async def _rotate_once(self, entry: Entry) -> None:
        """And use what is told, by whatever answer."""
        await self._rotate(entry)
        await self.look(entry)

    async def _rotate_twice(self, entry: Entry) -> None:
        """At once: nobody knows which was the last."""
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
        """Delete it amid a change of its password."""
        await asyncio.gather(self._rotate(entry), self._delete(entry))

    async def _about(self, entry: Entry, method: str, what: str) -> Answer | None:
        """A successful answer about a database; who gets none may look what became of it."""
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
        """With what was handed out last; that the server is down at this moment is no matter."""
        if entry.uri is None:
            return
        try:
            session = await asyncpg.connect(entry.uri)
        except REFUSALS as error:
            if not entry.may_be_over:
                self.ledger.complain(f"{entry.id} refuses the login that was handed out: {error}")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            self.ledger.counts["servers found down"] += 1
        else:
            session.terminate()

"""Which roles of Neon's making are whose: the API has no place for a mark, so a table has.

A role is ours if it was made within the time of our claim on its name, when nobody else's was
there. The claim is laid before Neon is asked, so that a lost answer leaves no role behind unknown.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from adapters.driver.connecting import Login
from adapters.postgres.sessions import single_session
from adapters.postgres.sight import Marks
from domain.errors import NameTaken, ProviderBusy
from domain.order import Tenant

WINDOW = timedelta(minutes=2)
"""How long after a request for a role that role may still come about; requests end sooner."""

TRUNCATED = timedelta(seconds=1)
"""Neon tells moments in whole seconds."""

ATTEMPTS = 3
"""At each statement."""

_SCHEMA = """
SELECT pg_advisory_xact_lock(hashtext('pgvend.claims')); -- two may begin at the same moment
CREATE SCHEMA IF NOT EXISTS pgvend;
CREATE TABLE IF NOT EXISTS pgvend.claims (
    owner text PRIMARY KEY,
    database text NOT NULL UNIQUE,
    mark text NOT NULL,
    token uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz NOT NULL
);
"""

_FORGET_DEAD = """
DELETE FROM pgvend.claims
WHERE until < now() AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner)
"""

_CLAIM = """
INSERT INTO pgvend.claims AS kept (owner, database, mark, token, until)
SELECT $1, $2, $3, $4, now() + $5
WHERE NOT EXISTS (SELECT FROM pgvend.claims WHERE database = $2 AND owner <> $1)
ON CONFLICT (owner) DO UPDATE
    SET token = excluded.token,
        until = CASE kept.token WHEN excluded.token THEN kept.until
                ELSE greatest(kept.until, excluded.until) END
    WHERE kept.mark = excluded.mark AND kept.database = excluded.database
RETURNING mark, owner, database, token, since, until, until - since = $5 AS is_new, true AS is_open
"""
# that is: laid once, and not prolonged since; asking twice with one token is laying it once

_FIND = """
SELECT mark, owner, database, token, since, until, false AS is_new, until > now() AS is_open
FROM pgvend.claims WHERE starts_with(mark, $1) ORDER BY mark
"""

_STRETCH = """
UPDATE pgvend.claims SET since = least(since, $3), until = greatest(until, $3)
WHERE owner = $1 AND token = $2
"""

_RELEASE = "DELETE FROM pgvend.claims WHERE owner = $1 AND token = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`token` tells this laying of the claim from earlier and later ones; while it `is_open`, a
    request that was lost may still be carried out."""

    tenant_id: str
    owner: str
    database: str
    token: UUID
    since: datetime
    until: datetime
    is_new: bool
    is_open: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.tenant_id, self.owner

    def covers(self, made_at: datetime) -> bool:
        """Whether a role of that name, made then, is the claimed one."""
        return self.since - TRUNCATED <= made_at <= self.until


@dataclass(frozen=True)
class Ledger:
    """Kept in the admin's own database on the branch. Every method may raise ProviderBusy."""

    admin: Login
    marks: Marks

    async def open(self) -> None:
        """Make the table where there is none."""
        async with single_session(self.admin, lost=ProviderBusy) as session:
            await session.execute(_SCHEMA)

    async def claim(self, tenant: Tenant) -> Claim:
        """Lay claim to the tenant's names, or prolong its claim. Raises NameTaken."""
        names = tenant.names
        claim = (names.owner, names.database, self.marks.of(tenant), uuid4(), WINDOW)
        rows = await self._repeated(_CLAIM, *claim)
        if not rows:
            await self._repeated(_FORGET_DEAD)
            rows = await self._repeated(_CLAIM, *claim)
        if not rows:
            raise NameTaken(f"The name {names.database!r} is claimed by another database.")
        return self._read(rows[0])

    async def find(self, tenant: Tenant) -> Claim | None:
        claims = map(self._read, await self._repeated(_FIND, self.marks.of(tenant)))
        return next((claim for claim in claims if claim.owner == tenant.names.owner), None)

    async def all(self) -> Sequence[Claim]:
        """Of this installation, ordered by the tenant's id."""
        return [self._read(row) for row in await self._repeated(_FIND, self.marks.prefix)]

    async def stretch(self, claim: Claim, made_at: datetime) -> None:
        """Over the moment at which, by Neon's clock, the claimed role was made."""
        await self._repeated(_STRETCH, claim.owner, claim.token, made_at)

    async def release(self, claim: Claim) -> None:
        """Give the names back, unless the claim was laid anew meanwhile."""
        await self._repeated(_RELEASE, claim.owner, claim.token)

    def _read(self, row: asyncpg.Record) -> Claim:
        columns = dict(row)
        return Claim(tenant_id=columns.pop("mark").removeprefix(self.marks.prefix), **columns)

    async def _repeated(self, query: str, *values: object) -> list[asyncpg.Record]:
        """In a session of its own, and again when that is ended: Neon does so to all of them when
        it makes a role. Everything here may be asked twice."""
        for _ in range(ATTEMPTS - 1):
            with suppress(ProviderBusy):
                return await self._fetched(query, *values)
        return await self._fetched(query, *values)

    async def _fetched(self, query: str, *values: object) -> list[asyncpg.Record]:
        async with single_session(self.admin, lost=ProviderBusy) as session:
            return await session.fetch(query, *values)

"""Claims on role names: a table that records which roles of the API belong to which tenant.

The API has no field for a mark. A role belongs to pgvend if it was created within the time of a
claim on its name and no other role had the name before. The claim is recorded before the request,
so that a role remains known when Neon's response is lost.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from adapters.driver.connector import Login
from adapters.postgres.marks import Marks
from adapters.postgres.sessions import open_session
from domain.errors import NameTaken, PgvendError, ProviderBusy
from domain.provisioning import Tenant
from ports.driven.cancellation import run_to_completion

WINDOW = timedelta(minutes=2)
"""How long after a request its role may still be created; requests time out sooner."""

TIME_RESOLUTION = timedelta(seconds=1)
"""Neon reports times in whole seconds."""

ATTEMPTS = 3
"""Attempts per statement."""

_SCHEMA = """
SELECT pg_advisory_xact_lock(hashtext('pgvend.claims')); -- two services may start at once
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

_DELETE_EXPIRED = """
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
RETURNING mark, owner, database, token, since, until, until - since = $5 AS is_new, true AS is_open,
    EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
    OR EXISTS (SELECT FROM pg_database WHERE datname = $2) AS is_in_use
"""
# is_new: inserted now and not extended since; repeating a statement with its token changes nothing

_FIND = """
SELECT mark, owner, database, token, since, until, false AS is_new, until > now() AS is_open
FROM pgvend.claims WHERE starts_with(mark, $1) ORDER BY mark
"""

_EXTEND = """
UPDATE pgvend.claims SET since = least(since, $3), until = greatest(until, $3)
WHERE owner = $1 AND token = $2
"""

_RELEASE = "DELETE FROM pgvend.claims WHERE owner = $1 AND token = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A tenant's claim on the names of a role and a database.

    `token` distinguishes this claim from earlier and later ones. Nothing was created under a claim
    that `is_new`. While it `is_open`, Neon may still carry out a request whose response was lost.
    """

    tenant_id: str
    owner: str
    database: str
    token: UUID
    since: datetime
    until: datetime
    is_new: bool
    is_open: bool
    is_in_use: bool = False
    """Whether a role or a database had one of the names when the claim was made or extended."""

    @property
    def key(self) -> tuple[str, str]:
        return self.tenant_id, self.owner

    def covers(self, created_at: datetime) -> bool:
        """Return whether a role of that name, created then, is the claimed one."""
        return self.since - TIME_RESOLUTION <= created_at <= self.until


@dataclass(frozen=True)
class ClaimStore:
    """The table of claims, in the admin's database on the branch.

    Every method may raise ProviderBusy.
    """

    admin: Login
    marks: Marks
    unused: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False)
    """Keys of claims under which nothing was created, and whose release failed."""

    async def create_table(self) -> None:
        """Create the table if it does not exist."""
        async with open_session(self.admin, lost=ProviderBusy) as session:
            await session.execute(_SCHEMA)

    async def claim(self, tenant: Tenant) -> Claim:
        """Claim the tenant's names, or extend its claim. Raises NameTaken."""
        names = tenant.names
        claim = (names.owner, names.database, self.marks.of(tenant), uuid4(), WINDOW)
        rows = await self._fetch_with_retries(_CLAIM, *claim)
        if not rows:
            await self._fetch_with_retries(_DELETE_EXPIRED)
            rows = await self._fetch_with_retries(_CLAIM, *claim)
        if not rows:
            raise NameTaken(f"The name {names.database!r} is claimed by another database.")
        return self._claim_from_row(rows[0])

    async def find(self, tenant: Tenant) -> Claim | None:
        claims = map(
            self._claim_from_row, await self._fetch_with_retries(_FIND, self.marks.of(tenant))
        )
        return next((claim for claim in claims if claim.owner == tenant.names.owner), None)

    async def list_claims(self) -> Sequence[Claim]:
        """Return the claims of this installation, ordered by tenant id."""
        return [
            self._claim_from_row(row)
            for row in await self._fetch_with_retries(_FIND, self.marks.prefix)
        ]

    async def extend(self, claim: Claim, created_at: datetime) -> None:
        """Extend the claim to the time at which, by Neon's clock, the role was created."""
        await self._fetch_with_retries(_EXTEND, claim.owner, claim.token, created_at)

    async def release(self, claim: Claim) -> None:
        """Release the names, unless they have been claimed again since."""
        await self._fetch_with_retries(_RELEASE, claim.owner, claim.token)

    def mark_used(self, claim: Claim) -> None:
        """Record that something may be created under the claim: it is not new any more."""
        self.unused.discard(claim.key)

    async def release_unused(self, claim: Claim) -> None:
        """Release a claim under which nothing was created. Never raises: if the release fails, the
        claim stays, and is still new when it is found again."""
        self.unused.add(claim.key)
        with suppress(PgvendError):
            await run_to_completion(self.release(claim))
            self.unused.discard(claim.key)

    def _claim_from_row(self, row: asyncpg.Record) -> Claim:
        columns = dict(row)
        tenant_id = columns.pop("mark").removeprefix(self.marks.prefix)
        claim = Claim(tenant_id=tenant_id, **columns)
        return replace(claim, is_new=True) if claim.key in self.unused else claim

    async def _fetch_with_retries(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Run a statement in its own session; repeat it if the session ends.

        Neon ends all sessions when it creates a role. Every statement here is safe to repeat.
        """
        for _ in range(ATTEMPTS - 1):
            with suppress(ProviderBusy):
                return await self._fetch(query, *values)
        return await self._fetch(query, *values)

    async def _fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        async with open_session(self.admin, lost=ProviderBusy) as session:
            return await session.fetch(query, *values)

"""The floor of a claim: the work that no implementation can leave out."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from secrets import token_hex

from bench.server import SharedServer, create_statements
from bench.service import Service
from bench.turns import Undo

COMMITS = 2
"""The claim, and the ready database with its audit event."""

ROW = "x" * 600
"""About the size of a record."""


@contextmanager
def open_journal(file: Path) -> Iterator[sqlite3.Connection]:
    """Yield a database whose commits are as durable as the registry's."""
    journal = sqlite3.connect(file, isolation_level=None)
    try:
        journal.execute("PRAGMA journal_mode = WAL")
        journal.execute("PRAGMA synchronous = FULL")
        journal.execute("CREATE TABLE records (id TEXT PRIMARY KEY, content TEXT)")
        yield journal
    finally:
        journal.close()


@dataclass
class Floor:
    """An empty POST, two commits to SQLite, and one transaction that renames and opens a tenant.

    `spares` are the names of closed tenants.
    """

    server: SharedServer
    empty: Service
    journal: sqlite3.Connection
    spares: list[str] = field(default_factory=list)

    async def fill(self, count: int) -> None:
        """Create the tenants of one turn, before it."""
        while len(self.spares) < count:
            name = f"floor_{token_hex(8)}"
            await self.server.execute(
                *await create_statements(name, token_hex(12)),
                f"GRANT {name} TO CURRENT_USER; ALTER ROLE {name} NOLOGIN;"
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS false; REVOKE {name} FROM CURRENT_USER",
            )
            self.spares.append(name)

    async def __call__(self) -> Undo:
        spare, name = self.spares.pop(), f"bench_{token_hex(8)}"
        await self.empty.request("POST", "/", json={"nickname": name})
        self._commit(name)
        await self.server.execute(_claim(spare, name))
        self._commit(name)
        return partial(self.server.drop_tenant, name)

    def _commit(self, name: str) -> None:
        self.journal.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", (name, ROW))


def _claim(spare: str, name: str) -> str:
    """Return the statements, which PostgreSQL runs as one transaction."""
    return (
        f"ALTER ROLE {spare} RENAME TO {name};"
        f"GRANT {name} TO CURRENT_USER;"
        f"ALTER DATABASE {spare} RENAME TO {name};"
        f"ALTER ROLE {name} LOGIN;"
        f"COMMENT ON ROLE {name} IS 'bench {name}';"
        f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {name} TO {name};"
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS true;"
        f"REVOKE {name} FROM CURRENT_USER"
    )

"""The installation's name, in one row of an SQL database."""

from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import func, insert, select

from adapters.registry.schema import DATABASES, INSTALLATION
from adapters.registry.store import Store
from domain.errors import NameTaken
from domain.lifecycle import LIVE
from ports.driven.installation import Installation

ONLY_ROW = 1

_INSERT_NAME = insert(INSTALLATION)
_SELECT_NAME = select(INSTALLATION.c.name)


class SqlInstallation(Installation):
    def __init__(self, store: Store) -> None:
        self._store = store

    async def name(self, proposed: str) -> str:
        if kept := await self._read_name():
            return kept
        with suppress(NameTaken):  # another replica was faster: its name applies
            await self._store.write(_INSERT_NAME, {"id": ONLY_ROW, "name": proposed})
        return await self._read_name() or proposed

    async def count_by_secret(self, target: str) -> Mapping[str, int]:
        of = DATABASES.c
        counts = select(of.secret, func.count().label("databases"))
        live = counts.where(of.target == target, of.state.in_(sorted(LIVE)))
        rows = await self._store.fetch(live.group_by(of.secret))
        return {row["secret"]: row["databases"] for row in rows}

    async def _read_name(self) -> str | None:
        rows = await self._store.fetch(_SELECT_NAME)
        return str(rows[0]["name"]) if rows else None

"""The installation's name, in one row of an SQL database."""

from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import func, insert, select

from adapters.registry.executor import Executor
from adapters.registry.schema import DATABASES, INSTALLATION
from domain.errors import NameTaken
from domain.lifecycle import LIVE
from ports.driven.installation import Installation

ONLY_ROW = 1

_INSERT_NAME = insert(INSTALLATION)
_SELECT_NAME = select(INSTALLATION.c.name)


class SqlInstallation(Installation):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def name(self, proposed: str) -> str:
        if name := await self._read_name():
            return name
        with suppress(NameTaken):  # another replica was faster: its name applies
            await self._executor.write(_INSERT_NAME, {"id": ONLY_ROW, "name": proposed})
        return await self._read_name() or proposed

    async def count_by_secret(self, target: str) -> Mapping[str, int]:
        columns = DATABASES.c
        counts = select(columns.secret, func.count().label("databases"))
        databases = counts.where(columns.target == target, columns.shape == "")
        live = databases.where(columns.state.in_(sorted(LIVE)))
        rows = await self._executor.fetch(live.group_by(columns.secret))
        return {row["secret"]: row["databases"] for row in rows}

    async def _read_name(self) -> str | None:
        rows = await self._executor.fetch(_SELECT_NAME)
        return str(rows[0]["name"]) if rows else None

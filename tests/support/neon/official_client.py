"""Neon's official Python client, for tests that run on a loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neon_api import NeonAPI  # type: ignore[import-untyped] # it has no types

from tests.support.polling import until

UNDER_WAY = {"scheduling", "running", "cancelling"}


@dataclass(frozen=True)
class Account:
    """The client, which blocks and so gets a thread for every call."""

    client: NeonAPI
    project: str
    branch: str

    async def ask(self, call: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        return await asyncio.to_thread(call, self.project, *args, **kwargs)

    async def see(self, call: Callable[..., Any], *args: object) -> Any:
        """Something of the branch."""
        return await self.ask(call, self.branch, *args)

    async def change(self, call: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        """Something of the branch, up to the end of the operations that this begins."""
        answer = await self.ask(call, self.branch, *args, **kwargs)
        await until(self._is_settled)
        return answer

    async def _is_settled(self) -> bool:
        """Not all its answers name their operations; others than ours may have failed before."""
        listed = (await self.ask(self.client.operations)).operations
        return not UNDER_WAY & {operation.status.value for operation in listed}

    async def role_names(self) -> set[str]:
        return {role.name for role in (await self.see(self.client.roles)).roles}

    async def database_names(self) -> set[str]:
        answer = await self.see(self.client.databases)
        return {database.name for database in answer.databases}

    async def uri(self, database: str, role: str) -> str:
        answer = await self.ask(self.client.connection_uri, database, role)
        return str(answer.uri)

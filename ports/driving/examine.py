"""Is everything fit to vend on? Asked before use, without changing anything."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

from domain.checkup import Check, Outcome, Verdict
from domain.errors import PgvendError
from ports.driven.examination import Examination

PATIENCE = 60.0
"""Seconds that the examination of one part may take."""


@dataclass(frozen=True, kw_only=True)
class Examine:
    """Every part by its name; all are examined at the same time, and none hides another."""

    parts: Mapping[str, Examination]
    patience: float = PATIENCE

    async def __call__(self) -> list[Check]:
        found = await asyncio.gather(*(self._part(name) for name in self.parts))
        return [check for checks in found for check in checks]

    async def _part(self, name: str) -> list[Check]:
        found: list[Check] = []
        try:
            await self._examined(self.parts[name], found)
        except TimeoutError:
            told = f"There was no answer within {self.patience:.0f} s."
            found.append(Check(name, Outcome(Verdict.FAIL, told)))
        except PgvendError as error:
            found.append(Check(name, Outcome(Verdict.FAIL, str(error))))
        except Exception as error:  # the other parts have to be told all the same
            told = f"The examination broke off ({type(error).__name__})."
            found.append(Check(name, Outcome(Verdict.UNKNOWN, told)))
        return found

    async def _examined(self, part: Examination, found: list[Check]) -> None:
        async with asyncio.timeout(self.patience), aclosing(part.examine()) as checks:
            async for check in checks:
                found.append(check)

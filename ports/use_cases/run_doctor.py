"""Run the checks of `pgvend doctor`. They change nothing."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

from domain.doctor import Check, Outcome, Verdict
from domain.errors import PgvendError
from ports.driven.doctor import Examination

PATIENCE = 60.0
"""Seconds that the checks of one part may take."""


@dataclass(frozen=True, kw_only=True)
class Examine:
    """`parts` are the checks by the name of their part. All parts run at the same time; an error in
    one does not hide the results of another."""

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
            told = f"No answer within {self.patience:.0f} s."
            found.append(Check(name, Outcome(Verdict.FAIL, told)))
        except PgvendError as error:
            found.append(Check(name, Outcome(Verdict.FAIL, str(error))))
        except Exception as error:  # report the other parts even so
            told = f"The check failed unexpectedly ({type(error).__name__})."
            found.append(Check(name, Outcome(Verdict.UNKNOWN, told)))
        return found

    async def _examined(self, part: Examination, found: list[Check]) -> None:
        async with asyncio.timeout(self.patience), aclosing(part.examine()) as checks:
            async for check in checks:
                found.append(check)

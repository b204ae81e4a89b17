"""Run the checks of `pgvend doctor`. They change nothing."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

from domain.doctor import DoctorCheck, Outcome, Verdict
from domain.errors import PgvendError
from ports.driven.doctor import DoctorChecks

TIMEOUT = 60.0
"""Seconds that the checks of one part may take."""


@dataclass(frozen=True, kw_only=True)
class RunDoctor:
    """`parts` are the checks by the name of their part. All parts run at the same time; an error in
    one does not hide the results of another."""

    parts: Mapping[str, DoctorChecks]
    timeout: float = TIMEOUT

    async def __call__(self) -> list[DoctorCheck]:
        found = await asyncio.gather(*(self._run_part(name) for name in self.parts))
        return [check for checks in found for check in checks]

    async def _run_part(self, name: str) -> list[DoctorCheck]:
        found: list[DoctorCheck] = []
        try:
            await self._collect_checks(self.parts[name], found)
        except TimeoutError:
            detail = f"No answer within {self.timeout:.0f} s."
            found.append(DoctorCheck(name, Outcome(Verdict.FAIL, detail)))
        except PgvendError as error:
            found.append(DoctorCheck(name, Outcome(Verdict.FAIL, str(error))))
        except Exception as error:  # report the other parts even so
            detail = f"The check failed unexpectedly ({type(error).__name__})."
            found.append(DoctorCheck(name, Outcome(Verdict.UNKNOWN, detail)))
        return found

    async def _collect_checks(self, part: DoctorChecks, found: list[DoctorCheck]) -> None:
        async with asyncio.timeout(self.timeout), aclosing(part.run_checks()) as checks:
            async for check in checks:
                found.append(check)

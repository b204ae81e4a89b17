"""Doctor check of the folder and the program of exports."""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from domain.doctor import DoctorCheck, Outcome, Verdict
from entrypoints.config.programs import find_newest_program, read_major
from entrypoints.config.settings import Settings
from ports.driven.doctor import DoctorChecks


@dataclass(frozen=True)
class ExportChecks(DoctorChecks):
    settings: Settings

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        folder = self.settings.export_dir
        if folder:
            outcome = await asyncio.to_thread(check_exports, folder, self.settings.export_programs)
            yield DoctorCheck("exports", outcome)


def check_exports(folder: Path, programs: tuple[Path, ...]) -> Outcome:
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return Outcome(
            Verdict.FAIL,
            f"{existing} is not writable: set PGVEND_EXPORT_DIR to a folder that pgvend can write "
            "to.",
        )
    program = find_newest_program("pg_dump", *programs)
    if program is None:
        return Outcome(Verdict.FAIL, "There is no pg_dump: install PostgreSQL's client programs.")
    return Outcome(
        Verdict.OK,
        f"{folder}, by {program} of version {read_major(program)}, which must not be older than "
        "the server.",
    )

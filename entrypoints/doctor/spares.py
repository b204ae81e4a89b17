"""Doctor check of the spares that PGVEND_SPARES asks for."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from domain.doctor import DoctorCheck, Outcome, Verdict
from domain.spares import SpareLevel
from entrypoints.config.settings import Settings
from ports.driven.doctor import DoctorChecks


@dataclass(frozen=True)
class SpareChecks(DoctorChecks):
    """`list_spares` returns the levels of spares in the registry; none before the first start."""

    settings: Settings
    list_spares: Callable[[], Awaitable[Sequence[SpareLevel]]]

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        if any(self.settings.spares.values()):
            outcome = check_levels(await self.list_spares())
        else:
            outcome = Outcome(Verdict.OK, "PGVEND_SPARES asks for none.")
        yield DoctorCheck("spares", outcome)


def check_levels(levels: Sequence[SpareLevel]) -> Outcome:
    """Return a warning if spares of a template are wanted and none is ready."""
    if not levels:
        return Outcome(Verdict.OK, "There are none yet; the first start fills them.")
    wanted = [level for level in levels if level.wanted]
    ready = ", ".join(f"{level.template} {level.ready} of {level.wanted}" for level in wanted)
    if all(level.ready for level in wanted):
        return Outcome(Verdict.OK, f"Ready: {ready}.")
    return Outcome(
        Verdict.WARN,
        f"Ready: {ready}. Without a spare, a creation takes its usual time. The running service "
        "fills them; if they stay empty, read its log, and check that the templates exist.",
    )

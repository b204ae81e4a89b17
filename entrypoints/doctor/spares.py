"""Doctor checks of the spares that PGVEND_SPARES asks for."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from adapters.registry.snapshot import RegistrySnapshot
from domain.doctor import DoctorCheck, Outcome, Verdict
from domain.lifecycle import State
from domain.spares import DEFAULT
from entrypoints.config.settings import Settings
from ports.driven.doctor import DoctorChecks

ReadSnapshot = Callable[[], Awaitable[RegistrySnapshot]]


@dataclass(frozen=True)
class SpareChecks(DoctorChecks):
    """`read_snapshot` returns the contents of the registry, or those of an empty one."""

    settings: Settings
    read_snapshot: ReadSnapshot

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        snapshot = await self.read_snapshot()
        yield DoctorCheck("spares", check_spares(self.settings, snapshot))


def check_spares(settings: Settings, snapshot: RegistrySnapshot) -> Outcome:
    """Return a warning if a template has no ready spare; creations then take their usual time."""
    wanted = {name: count for name, count in settings.spares.items() if count}
    if not wanted:
        return Outcome(Verdict.OK, "PGVEND_SPARES asks for none.")
    ready = {name: _count_ready(snapshot, settings.target.name, name) for name in wanted}
    levels = ", ".join(f"{name} {ready[name]} of {count}" for name, count in wanted.items())
    if snapshot.revision is None or all(ready.values()):
        return Outcome(Verdict.OK, f"Ready: {levels}. The service fills them in the background.")
    return Outcome(
        Verdict.WARN,
        f"Ready: {levels}. Without a spare, a creation takes its usual time. A running service "
        "fills them; if they stay empty, see its log, and whether the templates exist.",
    )


def _count_ready(snapshot: RegistrySnapshot, target: str, name: str) -> int:
    """Return the number of ready spares of the template of that name, or of `default`."""
    here = [record for record in snapshot.live if record.target == target]
    templates = (each for each in here if each.state == State.TEMPLATE and each.nickname == name)
    sources = {""} if name == DEFAULT else {template.id for template in templates}
    return sum(
        record.state == State.SPARE and record.is_idle and record.source in sources
        for record in here
    )

"""An exporter that keeps the dumps in memory."""

from dataclasses import dataclass, field

from adapters.memory.provider import FaultHook, MemoryProvider, no_fault
from domain.errors import DatabaseNotFound
from domain.provisioning import Confirm, Tenant, confirm_always
from ports.driven.exporter import Exporter


@dataclass(frozen=True)
class MemoryExporter(Exporter):
    """Keeps the contents of the exported databases by the names of their files. `fault_hook`
    injects latency and faults."""

    provider: MemoryProvider
    fault_hook: FaultHook = no_fault
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def export(self, tenant: Tenant, file: str, confirm: Confirm = confirm_always) -> int:
        await self.fault_hook("before export")
        await confirm()
        items = await self.provider.inventory()
        if not any(item.id == tenant.id and item.database for item in items):
            raise DatabaseNotFound(f"Database {tenant.id!r} does not exist.")
        self.files[file] = self.provider.contents.read(tenant.id)
        await self.fault_hook("after export")
        return self.provider.contents.get_size(tenant.id)

    async def remove(self, file: str) -> None:
        self.files.pop(file, None)

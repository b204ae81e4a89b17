"""The loop that runs the guard of the server while the service runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from domain.server_snapshot import Concern, PreparedTransaction
from ports.use_cases.guard_server import EndingResult, GuardServer, GuardState

ADVICE = {
    Concern.CANNOT_END: "as a superuser, run GRANT pg_signal_backend TO the admin",
    Concern.CANNOT_SEE: "as a superuser, run GRANT pg_read_all_stats TO the admin",
    Concern.TRANSACTION_IDS: (
        "end old transactions, including prepared ones, and let autovacuum finish"
    ),
    Concern.CONNECTIONS: "lower PGVEND_CONNECTION_LIMIT, or raise max_connections",
    Concern.DISK: "delete databases, set PGVEND_SIZE_LIMIT, or give the server a larger disk",
}


@dataclass
class GuardLoop:
    """Runs the guard repeatedly and logs changes. Without a guard it does nothing."""

    guard: GuardServer | None
    log: BoundLogger
    _concerns: Sequence[Concern] = field(default=(), init=False)
    _state: GuardState = field(default=GuardState.STARTING, init=False)

    async def run_forever(self) -> None:
        if self.guard is None:
            return
        try:
            while True:
                await self._run_once(self.guard)
                await self.guard.clock.sleep(self.guard.pause)
        finally:
            await self.guard.close()

    async def _run_once(self, guard: GuardServer) -> None:
        detail = ""
        try:
            for outcome in await guard():
                self._log_outcome(outcome)
        except PgvendError as error:
            detail = str(error)
        except Exception:
            self.log.exception("guard.crashed")
        self._log_state(guard, detail)
        self._log_concerns(guard)

    def _log_outcome(self, outcome: EndingResult) -> None:
        suspect = outcome.termination.suspect
        event = "rolled_back" if isinstance(suspect, PreparedTransaction) else "ended_session"
        self.log.warning(
            "guard.failed" if outcome.error else f"guard.{event}",
            id=suspect.tenant,
            database=suspect.database,
            reason=outcome.termination.reason,
            transaction_seconds=suspect.open_for,
            **(
                {"error": outcome.error.code, "detail": str(outcome.error)} if outcome.error else {}
            ),
        )

    def _log_state(self, guard: GuardServer, detail: str) -> None:
        state = guard.status.state
        if state is not self._state:
            write = self.log.warning if state is GuardState.AWAY else self.log.info
            write(f"guard.{state}", **({"detail": detail} if detail else {}))
        self._state = state

    def _log_concerns(self, guard: GuardServer) -> None:
        status = guard.status
        for concern in status.concerns:
            if concern not in self._concerns:
                self.log.warning(
                    "guard.concern",
                    concern=concern,
                    advice=ADVICE[concern],
                    oldest_transaction_id_age=status.oldest_age,
                    free_connections=status.connections and status.connections.free,
                    free_disk_bytes=status.disk and status.disk.free,
                )
        self._concerns = status.concerns

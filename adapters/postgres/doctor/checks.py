"""The doctor's checks of one server, run as its admin."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from adapters.postgres.doctor import admin, capacity, encodings, guard, logins, ownership, privacy
from adapters.postgres.doctor.context import (
    CheckContext,
    CheckFunctions,
    LocalState,
    run_check_function,
)
from adapters.postgres.factory import open_provider
from adapters.postgres.server import Server
from adapters.postgres.sessions import acquire_session
from domain.doctor import DoctorCheck
from domain.errors import ProviderRejected, Unavailable
from ports.driven.clock import Clock
from ports.driven.doctor import DoctorChecks

COMMON_CHECKS: CheckFunctions = {
    **admin.CHECKS,
    **privacy.CHECKS,
    **capacity.CHECKS,
    **encodings.CHECKS,
    **guard.CHECKS,
}
"""Checks for every server."""

OPERATOR_CHECKS: CheckFunctions = {
    **COMMON_CHECKS,
    **logins.CHECKS,
    **privacy.SUPERUSER_CHECKS,
    **ownership.CHECKS,
    **guard.GUARD_CHECKS,
}
"""Checks for a server that an operator runs."""

SIZE_LIMIT_CHECKS: CheckFunctions = {**OPERATOR_CHECKS, **capacity.SIZE_CHECKS}
"""Checks for a server whose tenants' sizes are limited."""

LoadLocalState = Callable[[], Awaitable[LocalState]]
"""Loads the facts that pgvend knows without the server."""


@dataclass(frozen=True, kw_only=True)
class PostgresChecks(DoctorChecks):
    """The checks of one server. The error for a refused login names the `setting`."""

    server: Server
    load_local_state: LoadLocalState
    clock: Clock
    setting: str
    check_functions: CheckFunctions

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        context = CheckContext(
            server=self.server, local_state=await self.load_local_state(), clock=self.clock
        )
        try:
            async for check in run_check_functions(self.check_functions, context):
                yield check
        except (ProviderRejected, Unavailable) as error:
            raise ProviderRejected(f"{error} See {self.setting}.") from error


async def run_check_functions(
    check_functions: CheckFunctions, context: CheckContext
) -> AsyncGenerator[DoctorCheck, None]:
    """Run all checks in one session. Raises ProviderRejected and ProviderBusy if the admin cannot
    log in."""
    async with (
        open_provider(context.server, "") as provider,
        acquire_session(provider.pool) as session,
    ):
        for name, check_function in check_functions.items():
            yield DoctorCheck(name, await run_check_function(check_function, session, context))

"""The admin as a member of a role: what it may not do itself, it may do as one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from adapters.postgres import statements
from adapters.postgres.errors import FAILURES
from adapters.postgres.sessions import FAREWELL_TIMEOUT, Session
from ports.cancellation import finished


@asynccontextmanager
async def member_of(session: Session, role: str, tenant_id: str | None) -> AsyncIterator[None]:
    """For as long as the context lasts, and under the lock of the tenant whose role it is, if it is
    one's: a provision of it would be between joining and leaving itself."""
    if tenant_id:
        await session.execute(statements.lock(tenant_id))
    try:  # cancelled while it joins, it may have joined
        await session.execute(statements.join(role))
        yield
    finally:
        with suppress(*FAILURES):  # the session is gone, or the role: there is nothing to leave
            await finished(session.execute(statements.leave(role), timeout=FAREWELL_TIMEOUT))

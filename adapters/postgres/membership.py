"""Temporary membership of the admin in a role, for statements that only members may run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from adapters.postgres import statements
from adapters.postgres.errors import FAILURES
from adapters.postgres.sessions import CLOSE_TIMEOUT, Session
from ports.driven.cancellation import run_to_completion


@asynccontextmanager
async def role_membership(
    session: Session, role: str, tenant_id: str | None
) -> AsyncIterator[None]:
    """Join the role until the context exits. With `tenant_id`, do so under the lock of that tenant,
    because a concurrent `provision` would join and leave the same role."""
    if tenant_id:
        await session.execute(statements.lock_tenant(tenant_id))
    try:  # a cancelled statement may have taken effect
        await session.execute(statements.join_role(role))
        yield
    finally:
        with suppress(*FAILURES):  # the session ended or the role was dropped
            await run_to_completion(
                session.execute(statements.leave_role(role), timeout=CLOSE_TIMEOUT)
            )

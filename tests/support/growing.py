"""Databases in memory that are larger than they may be."""

from datetime import timedelta

from domain.database import Database
from domain.sizes import NOTICE
from domain.upkeep import Upkeep
from ports.driving.sweep import DONE
from tests.support.acts import GRACE, LIMIT
from tests.support.aftermath import found
from tests.support.drifted import told, vended
from tests.support.vending import Memory

TOO_LARGE = 2 * LIMIT.size


async def grown(memory: Memory, ttl: timedelta | None = None) -> Database:
    """A database over the limit that nobody has looked at yet."""
    made = await vended(memory, ttl=ttl)
    memory.provider.fill(made.id, TOO_LARGE)
    return made


async def confined(memory: Memory, ttl: timedelta | None = None) -> Database:
    made = await grown(memory, ttl)
    assert told(await found(memory, GRACE)) == [(Upkeep.WARN, DONE)]
    memory.clock.moment += NOTICE
    assert told(await found(memory, GRACE)) == [(Upkeep.CONFINE, DONE)]
    return made

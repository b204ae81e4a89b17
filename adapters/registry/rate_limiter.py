"""A rate limiter that all replicas share, in one table on a PostgreSQL server."""

from sqlalchemy import delete, text

from adapters.registry.executor import Executor
from adapters.registry.schema import RATES
from domain.rates import Allowance, Rate
from ports.driven.rate_limiter import RateLimiter

_HIT = text("""
INSERT INTO rates AS known (name, ends_at, hits)
VALUES (:name, statement_timestamp() + make_interval(secs => :seconds), 1)
ON CONFLICT (name) DO UPDATE SET
    ends_at = CASE WHEN known.ends_at <= statement_timestamp() THEN excluded.ends_at
                   ELSE known.ends_at END,
    hits = CASE WHEN known.ends_at <= statement_timestamp() THEN 1 ELSE known.hits + 1 END
RETURNING hits, extract(epoch FROM ends_at - statement_timestamp())::float8 AS reset
""")
_DELETE_ENDED = delete(RATES).where(RATES.c.ends_at < text("now() - interval '1 hour'"))


class SqlRateLimiter(RateLimiter):
    """A rate limiter by the server's clock, which does not advance within a statement."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def hit(self, name: str, rate: Rate) -> Allowance:
        values = {"name": name, "seconds": rate.seconds}
        (window,) = await self._executor.write_returning(_HIT, values)
        if window["hits"] == 1:  # once per window, so that former names do not accumulate
            await self._executor.write(_DELETE_ENDED, {})
        return rate.calculate_allowance(window["hits"], max(0.0, window["reset"]))

"""Rates that all replicas count together, in one table on a PostgreSQL server."""

from sqlalchemy import delete, text

from adapters.registry.schema import RATES
from adapters.registry.store import Store
from domain.rate import Allowance, Rate
from ports.driven.rates import Rates

_HIT = text("""
INSERT INTO rates AS known (name, ends_at, hits)
VALUES (:name, statement_timestamp() + make_interval(secs => :seconds), 1)
ON CONFLICT (name) DO UPDATE SET
    ends_at = CASE WHEN known.ends_at <= statement_timestamp() THEN excluded.ends_at
                   ELSE known.ends_at END,
    hits = CASE WHEN known.ends_at <= statement_timestamp() THEN 1 ELSE known.hits + 1 END
RETURNING hits, extract(epoch FROM ends_at - statement_timestamp())::float8 AS reset
""")
_FORGET_ENDED = delete(RATES).where(RATES.c.ends_at < text("now() - interval '1 hour'"))


class SqlRates(Rates):
    """The server's clock counts, and stands still in a statement: it is asked more than once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def hit(self, name: str, rate: Rate) -> Allowance:
        window = await self._store.counted(_HIT, {"name": name, "seconds": rate.seconds})
        if window["hits"] == 1:  # once a window, so that names of the past do not pile up
            await self._store.write(_FORGET_ENDED, {})
        return rate.allowance(window["hits"], max(0.0, window["reset"]))

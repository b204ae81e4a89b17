"""The scenarios, in the order in which they are measured."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from bench.results import Report
from bench.run import Run
from bench.scenarios import (
    burst,
    cold,
    memory,
    neon,
    pooled,
    records,
    scale,
    soak,
    start,
    template,
)


@dataclass(frozen=True)
class Scenario:
    """What is compared, in a title and a paragraph, and the function that measures it."""

    title: str
    description: str
    measure: Callable[[Run], Coroutine[Any, Any, Report]]
    is_optional: bool = False
    """Whether a run without names leaves it out."""


SCENARIOS: Mapping[str, Scenario] = {
    "cold": Scenario(
        "Cold creation",
        "A database from nothing, verified by a login: by the fewest SQL statements, by the "
        "provider alone, and over HTTP with the intent and the outcome on disk.",
        cold.measure,
    ),
    "pooled": Scenario(
        "Creation from the pool",
        "A creation that claims a spare. The floor is the work that no implementation can leave "
        "out, by hand: an empty POST to aiohttp, two durable commits to SQLite, and one "
        "transaction that renames and opens a role and its database.",
        pooled.measure,
    ),
    "burst": Scenario(
        "Burst",
        "Four times as many requests at once as there are spares: the first response, the last one "
        "that could have a spare, and the last. Without a pool in the same rounds.",
        burst.measure,
    ),
    "template": Scenario(
        "Templates",
        "A database of 100 tables with 50 MB, ready to use: copied from a template, forked from a "
        "database, claimed from the pool of the template; and by other means, of which only "
        "`pg_restore` gives it an owner of its own.",
        template.measure,
    ),
    "neon": Scenario(
        "Neon",
        "Creations at once on the Neon emulator. The floor is the sum of the durations of Neon's "
        "operations in mode `none`, because a project runs one after the other. `five tries` is a "
        "client that sends a refused request again every three seconds, as Neon's command line "
        "does. The maximum of a burst is its end; bursts of fewer than ten are repeated.",
        neon.measure,
    ),
    "scale": Scenario(
        "Scale: databases",
        "Creations and deletions over HTTP, one at a time, on a server with many databases and, in "
        "the same rounds, on a server with ten. A deletion is measured until the response; the "
        "database is dropped in the background.",
        scale.measure,
    ),
    "records": Scenario(
        "Scale: records",
        "A page of a list and a reconciliation over HTTP with many records and, in the same "
        "rounds, with a thousand.",
        records.measure,
    ),
    "start": Scenario(
        "Start",
        "The time from the start of the process until `/readyz` says yes, with a new data folder "
        "and with an existing one, and that of PostgreSQL alone with the same data.",
        start.measure,
    ),
    "memory": Scenario(
        "Memory",
        "The resident memory of a service before and after thousands of creations and deletions "
        "by eight callers. The databases are in memory, so that the service does the work.",
        memory.measure,
    ),
    "soak": Scenario(
        "Soak",
        "Creations and deletions by four callers on the bundled server for twenty minutes, and "
        "what the service holds on to.",
        soak.measure,
        is_optional=True,
    ),
}

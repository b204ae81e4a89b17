"""The metrics of pgvend: names, labels and meanings. The reference page derives from this list."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Spec:
    """A metric. `buckets` are the upper bounds of a histogram."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()

    @property
    def series_names(self) -> tuple[str, ...]:
        """The names of its time series in queries."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{suffix}" for suffix in ("bucket", "count", "sum"))
        return (self.name,)


FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
SLOW = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
"""Seconds: of calls that people and programs wait for, and of transfers."""

HTTP_REQUESTS = Spec(
    "pgvend_http_requests_total",
    Kind.COUNTER,
    ("method", "route", "status"),
    "answered requests; `route` is the route's path, `unknown` for other addresses",
)
HTTP_REQUEST_DURATION = Spec(
    "pgvend_http_request_duration_seconds",
    Kind.HISTOGRAM,
    ("route",),
    "time to answer a request, except for streams of events",
    FAST,
)
CREATIONS = Spec(
    "pgvend_creations_total",
    Kind.COUNTER,
    ("path", "outcome"),
    "databases whose provisioning ended; `path` is `pooled` (a spare), `copied` or `cold`",
)
CREATION_DURATION = Spec(
    "pgvend_creation_duration_seconds",
    Kind.HISTOGRAM,
    ("path",),
    "time from the record of a database until it is ready",
    FAST,
)
CREATIONS_RUNNING = Spec(
    "pgvend_creations_running", Kind.GAUGE, (), "creations that run in this process"
)
STEP_DURATION = Spec(
    "pgvend_step_duration_seconds",
    Kind.HISTOGRAM,
    ("step",),
    "time of a call to the `provider`, the `registry`, the `login_check` or another port, failed "
    "or not",
    FAST,
)
STEP_ERRORS = Spec(
    "pgvend_step_errors_total",
    Kind.COUNTER,
    ("step", "error"),
    "failed calls to the provider, the registry or another port; some are part of a normal answer",
)
NEON_REQUESTS = Spec(
    "pgvend_neon_requests_total",
    Kind.COUNTER,
    ("method", "outcome"),
    "requests to Neon's API",
)
NEON_REQUEST_DURATION = Spec(
    "pgvend_neon_request_duration_seconds",
    Kind.HISTOGRAM,
    ("method",),
    "time of a request to Neon's API, failed or not",
    FAST,
)
RETRIES = Spec(
    "pgvend_retries_total", Kind.COUNTER, ("error",), "repetitions of failed steps, by the error"
)
LOCK_WAIT = Spec(
    "pgvend_lock_wait_seconds",
    Kind.HISTOGRAM,
    ("lock",),
    "time until a lock was acquired: a `place` among the calls of a kind, a `session` of the pool, "
    "the `tenant` on the server, or the turn in the `queue`",
    FAST,
)
QUEUE_LENGTH = Spec(
    "pgvend_queue_length",
    Kind.GAUGE,
    (),
    "calls that run or wait at a provider that accepts one change at a time",
)
QUEUE_REFUSALS = Spec(
    "pgvend_queue_refusals_total",
    Kind.COUNTER,
    (),
    "calls that were refused because the queue is full or too slow",
)
SPARES_WANTED = Spec(
    "pgvend_spares_wanted", Kind.GAUGE, ("template",), "spares that the settings ask for"
)
SPARES_READY = Spec(
    "pgvend_spares_ready", Kind.GAUGE, ("template",), "spares that creations can claim"
)
SPARES_FILLING = Spec(
    "pgvend_spares_filling", Kind.GAUGE, ("template",), "spares that are being created"
)
RECONCILER_RUNS = Spec(
    "pgvend_reconciler_runs_total", Kind.COUNTER, ("outcome",), "runs of the reconciler"
)
RECONCILER_SUCCESS = Spec(
    "pgvend_reconciler_last_success_timestamp_seconds",
    Kind.GAUGE,
    (),
    "time of the end of the last run of the reconciler that did not fail",
)
RECONCILER_TASKS = Spec(
    "pgvend_reconciler_tasks_total",
    Kind.COUNTER,
    ("action", "outcome"),
    "tasks of the reconciler, by their result",
)
RECONCILER_UNRESOLVED = Spec(
    "pgvend_reconciler_unresolved",
    Kind.GAUGE,
    ("action",),
    "tasks that the last run with a search for drift did not resolve",
)
PART_UP = Spec(
    "pgvend_part_up",
    Kind.GAUGE,
    ("part",),
    "1 if the `registry` or the `provider` answered when it was last asked, else 0",
)
SAMPLE_TIME = Spec(
    "pgvend_sample_timestamp_seconds",
    Kind.GAUGE,
    (),
    "time at which the health, the databases and the spares were last read",
)
DATABASES = Spec(
    "pgvend_databases",
    Kind.GAUGE,
    ("state",),
    "records by state, without those that are gone; all replicas show the same",
)
SIZES = Spec(
    "pgvend_databases_size_bytes",
    Kind.GAUGE,
    (),
    "size of all databases together, if PGVEND_SIZE_LIMIT is set",
)
LARGEST_SIZE = Spec(
    "pgvend_largest_database_size_bytes",
    Kind.GAUGE,
    (),
    "size of the largest database, if PGVEND_SIZE_LIMIT is set",
)
MEASURED = Spec(
    "pgvend_databases_measured",
    Kind.GAUGE,
    (),
    "databases whose size is known, if PGVEND_SIZE_LIMIT is set",
)
GUARD_WATCHING = Spec(
    "pgvend_guard_watching", Kind.GAUGE, (), "1 if the guard's last inspection succeeded, else 0"
)
GUARD_CONCERN = Spec(
    "pgvend_guard_concern", Kind.GAUGE, ("concern",), "1 for each present concern of the guard"
)
GUARD_ENDINGS = Spec(
    "pgvend_guard_endings_total",
    Kind.COUNTER,
    ("reason", "outcome"),
    "sessions that the guard ended, and transactions that it rolled back",
)
OLDEST_AGE = Spec(
    "pgvend_server_oldest_transaction_id_age",
    Kind.GAUGE,
    (),
    "age of the oldest transaction id on the server",
)
CONNECTIONS_FREE = Spec(
    "pgvend_server_connections_free", Kind.GAUGE, (), "sessions that the server has room for"
)
CONNECTIONS_LIMIT = Spec(
    "pgvend_server_connections_limit", Kind.GAUGE, (), "sessions that the server allows"
)
DISK_FREE = Spec("pgvend_server_disk_free_bytes", Kind.GAUGE, (), "free disk of the bundled server")
DISK_SIZE = Spec(
    "pgvend_server_disk_size_bytes", Kind.GAUGE, (), "size of the bundled server's disk"
)
DELIVERIES = Spec(
    "pgvend_webhook_deliveries_total",
    Kind.COUNTER,
    ("outcome",),
    "attempts to deliver webhooks",
)
DELIVERY_DURATION = Spec(
    "pgvend_webhook_delivery_duration_seconds",
    Kind.HISTOGRAM,
    (),
    "time of an attempt to deliver a webhook, failed or not",
    FAST,
)
DELIVERIES_WAITING = Spec(
    "pgvend_webhook_deliveries_waiting",
    Kind.GAUGE,
    (),
    "deliveries of webhooks that wait for their receivers; all replicas show the same",
)
DELIVERIES_GIVEN_UP = Spec(
    "pgvend_webhook_deliveries_given_up",
    Kind.GAUGE,
    (),
    "deliveries of webhooks that were given up and are kept; all replicas show the same",
)
EXPORTS = Spec("pgvend_exports_total", Kind.COUNTER, ("outcome",), "exports of expired databases")
EXPORT_DURATION = Spec(
    "pgvend_export_duration_seconds",
    Kind.HISTOGRAM,
    (),
    "time of an export, failed or not",
    SLOW,
)
BUILD = Spec("pgvend_build_info", Kind.GAUGE, ("version",), "1, with the version of pgvend")

CATALOG = (
    *(HTTP_REQUESTS, HTTP_REQUEST_DURATION),
    *(CREATIONS, CREATION_DURATION, CREATIONS_RUNNING),
    *(STEP_DURATION, STEP_ERRORS, RETRIES),
    *(NEON_REQUESTS, NEON_REQUEST_DURATION),
    *(LOCK_WAIT, QUEUE_LENGTH, QUEUE_REFUSALS),
    *(SPARES_WANTED, SPARES_READY, SPARES_FILLING),
    *(RECONCILER_RUNS, RECONCILER_SUCCESS, RECONCILER_TASKS, RECONCILER_UNRESOLVED),
    *(PART_UP, SAMPLE_TIME, DATABASES),
    *(SIZES, LARGEST_SIZE, MEASURED),
    *(GUARD_WATCHING, GUARD_CONCERN, GUARD_ENDINGS),
    *(OLDEST_AGE, CONNECTIONS_FREE, CONNECTIONS_LIMIT, DISK_FREE, DISK_SIZE),
    *(DELIVERIES, DELIVERY_DURATION, DELIVERIES_WAITING, DELIVERIES_GIVEN_UP),
    *(EXPORTS, EXPORT_DURATION),
    BUILD,
)

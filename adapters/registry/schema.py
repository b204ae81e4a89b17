"""The tables after the newest migration."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite stores no time zone, and compares moments as text."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


METADATA = MetaData()

_ID = Text().with_variant(Text(collation="C"), "postgresql")  # sorted by its bytes everywhere
_JSON = JSON().with_variant(JSONB(), "postgresql")
IS_LIVE = text("state NOT IN ('failed', 'deleted')")
"""The condition of the partial indexes. A query has to repeat it literally: with bound parameters,
the databases cannot prove that an index applies."""
IS_NOT_INTERNAL = text("state NOT IN ('spare', 'template')")
"""A condition that rules out the index on the state: a page of databases would be sorted."""
_IS_SCHEDULED = text("wake_at IS NOT NULL")

DATABASES = Table(
    "databases",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("nickname", Text, nullable=False),
    Column("database", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("isolation", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("request_key", Text),
    Column("request_body", Text),
    Column("promised", Boolean, nullable=False),  # its value is the record's `resumable`
    Column("suffixable", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("labels", _JSON, nullable=False),
    Column("extensions", _JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("rotation", Integer, nullable=False),
    Column("history", _JSON, nullable=False),
    Column("wake_at", UtcDateTime),
    Column("failures", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("secret", Text, nullable=False, server_default=text("''")),
    Column("nonce", Text, nullable=False, server_default=text("''")),
    Column("source", Text, nullable=False, server_default=text("''")),
    Column("shape", Text, nullable=False, server_default=text("''")),
    Column("ends_sessions", Boolean, nullable=False, server_default=false()),
    Column("is_shared", Boolean, nullable=False, server_default=false()),
    Column("export", Text, nullable=False, server_default=text("''")),
    Column("changed_at", UtcDateTime),  # by the time of the database; not part of the record
    Index("databases_request_key", "request_key", unique=True),
    Index(
        "databases_database",
        "database",  # first: names are found on all targets
        "target",
        unique=True,
        postgresql_where=IS_LIVE,
        sqlite_where=IS_LIVE,
    ),
    Index(
        "databases_owner",
        "target",
        "owner",
        unique=True,
        postgresql_where=IS_LIVE,
        sqlite_where=IS_LIVE,
    ),
    Index(
        "databases_nickname",
        "nickname",
        "caller",
        "created_at",
        "id",
        postgresql_where=IS_LIVE,
        sqlite_where=IS_LIVE,
    ),
    Index("databases_created_at", "created_at", "id"),
    Index("databases_changed_at", "changed_at"),
    Index("databases_caller", "caller", "created_at", "id"),
    Index("databases_live", "created_at", "id", postgresql_where=IS_LIVE, sqlite_where=IS_LIVE),
    Index(
        "databases_live_caller",
        "caller",
        "created_at",
        "id",
        postgresql_where=IS_LIVE,
        sqlite_where=IS_LIVE,
    ),
    Index("databases_state", "state", "created_at", "id"),
    Index(
        "databases_wake_at",
        "wake_at",
        postgresql_where=_IS_SCHEDULED,
        sqlite_where=_IS_SCHEDULED,
    ),
)

KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", _JSON, nullable=False),
    Column("quota", Integer),
    Column("rate_amount", Integer),
    Column("rate_seconds", Integer),
    Column("origins", _JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("audit_caller", "caller", "id"),
    Index("audit_subject", "subject", "id"),
)

RATES = Table(
    "rates",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("hits", Integer, nullable=False),
)
"""Used on a server, where replicas share the limits."""

INSTALLATION = Table(
    "installation",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)
"""A table with one row."""

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("caller", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", _JSON, nullable=False),
    Column("sees_all", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("secret", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Index("webhooks_caller", "caller"),
)

DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column(
        "number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True
    ),  # in the order in which they were stored
    Column("id", _ID, nullable=False),
    Column("webhook_id", _ID, nullable=False),
    Column("database_id", _ID, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime),
    Column("error", Text, nullable=False),
    Index("webhook_deliveries_id", "webhook_id", "id", unique=True),
    Index("webhook_deliveries_due_at", "due_at"),
)

PROGRESS = Table(
    "webhook_progress",
    METADATA,
    Column("database_id", _ID, primary_key=True),
    Column("step", Integer, nullable=False),
    Column("expiry", UtcDateTime),
)
"""How far the events of each record were announced."""

ANNOUNCED = Table(
    "webhook_period",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("ends_at", UtcDateTime, nullable=False),
)
"""A table with one row: the end of the period whose changes were announced."""

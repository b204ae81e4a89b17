"""Webhooks, their deliveries, and how far the events of records were announced."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MOMENT = sa.DateTime(timezone=True)


def upgrade(op: Operations) -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", _JSON, nullable=False),
        sa.Column("sees_all", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
    )
    op.create_index("webhooks_caller", "webhooks", ["caller"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", _ID, nullable=False),
        sa.Column("webhook_id", _ID, nullable=False),
        sa.Column("database_id", _ID, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", _MOMENT),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index(
        "webhook_deliveries_id", "webhook_deliveries", ["webhook_id", "id"], unique=True
    )
    op.create_index("webhook_deliveries_due_at", "webhook_deliveries", ["due_at"])
    op.create_table(
        "webhook_progress",
        sa.Column("database_id", _ID, primary_key=True),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("expiry", _MOMENT),
    )
    op.create_table(
        "webhook_period",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
    )

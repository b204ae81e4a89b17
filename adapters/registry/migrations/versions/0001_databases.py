"""The records, one row each."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_HOLDS_NAMES = sa.text("state NOT IN ('failed', 'retired')")
_HAS_TO_WAKE = sa.text("wake_at IS NOT NULL")


def upgrade(op: Operations) -> None:
    op.create_table(
        "databases",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("nickname", sa.Text, nullable=False),
        sa.Column("database", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("isolation", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text),
        sa.Column("request_body", sa.Text),
        sa.Column("promised", sa.Boolean, nullable=False),
        sa.Column("suffixable", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("labels", _JSON, nullable=False),
        sa.Column("extensions", _JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("rotation", sa.Integer, nullable=False),
        sa.Column("history", _JSON, nullable=False),
        sa.Column("wake_at", _MOMENT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("databases_request_key", "databases", ["request_key"], unique=True)
    for name in ("database", "owner"):
        op.create_index(
            f"databases_{name}",
            "databases",
            ["target", name],
            unique=True,
            postgresql_where=_HOLDS_NAMES,
            sqlite_where=_HOLDS_NAMES,
        )
    op.create_index("databases_caller", "databases", ["caller", "id"])
    op.create_index("databases_state", "databases", ["state", "id"])
    op.create_index(
        "databases_wake_at",
        "databases",
        ["wake_at"],
        postgresql_where=_HAS_TO_WAKE,
        sqlite_where=_HAS_TO_WAKE,
    )

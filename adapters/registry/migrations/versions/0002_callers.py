"""API keys, the audit log and the counters of rate limits."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_HOLDS_NAMES = sa.text("state NOT IN ('failed', 'retired')")

_ONLY_GROWS = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{event} BEFORE {event} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END"
        for event in ("update", "delete")
    ]
    + [
        "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit "
        "WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail only grows'; END $$",
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
    ],
}


def upgrade(op: Operations) -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("quota", sa.Integer),
        sa.Column("rate_amount", sa.Integer),
        sa.Column("rate_seconds", sa.Integer),
        sa.Column("origins", _JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
    )
    op.create_table(
        "audit",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("caller", "key", "action", "subject", "address", "request_id", "outcome")
        ),
    )
    op.create_index("audit_caller", "audit", ["caller", "id"])
    op.create_index("audit_subject", "audit", ["subject", "id"])
    op.create_index(
        "databases_quota",
        "databases",
        ["caller"],
        postgresql_where=_HOLDS_NAMES,
        sqlite_where=_HOLDS_NAMES,
    )
    op.create_table(
        "rates",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
    )
    for statement in _ONLY_GROWS[op.get_context().dialect.name]:
        op.execute(statement)

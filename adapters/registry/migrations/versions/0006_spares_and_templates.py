"""Spares, copies and templates, and lists in the order of creation.

The id of a claimed spare is older than its creation, so that the indexes of the lists begin with
`created_at`. An older pgvend cannot read a record in the state `spare` or `template`: stop all
replicas before the upgrade.
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0006"
down_revision = "0005"

_IS_LIVE = sa.text("state NOT IN ('failed', 'deleted')")

_INDEXES = {
    "databases_caller": (["caller"], False),
    "databases_live": ([], True),
    "databases_live_caller": (["caller"], True),
    "databases_state": (["state"], False),
}
"""The indexes of the lists: their first columns, and whether they are of live records only."""


def upgrade(op: Operations) -> None:
    for name in ("source", "shape"):
        text = sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        op.add_column("databases", text)
    for name in ("ends_sessions", "is_shared"):
        boolean = sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column("databases", boolean)
    op.create_index("databases_created_at", "databases", ["created_at", "id"])
    for name, (columns, is_partial) in _INDEXES.items():
        condition = _IS_LIVE if is_partial else None
        op.drop_index(name, "databases")
        op.create_index(
            name,
            "databases",
            [*columns, "created_at", "id"],
            postgresql_where=condition,
            sqlite_where=condition,
        )

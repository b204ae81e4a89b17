"""The time of the last change of each record, by which replicas find the changes of others.

Records that did not change since have none.
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0008"
down_revision = "0007"


def upgrade(op: Operations) -> None:
    op.add_column("databases", sa.Column("changed_at", sa.DateTime(timezone=True)))
    op.create_index("databases_changed_at", "databases", ["changed_at"])

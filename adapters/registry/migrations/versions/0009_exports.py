"""The file that an expired database was exported to."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0009"
down_revision = "0008"


def upgrade(op: Operations) -> None:
    text = sa.Column("export", sa.Text, nullable=False, server_default=sa.text("''"))
    op.add_column("databases", text)

"""The secret that a password is derived from, and the installation's name, which never changes."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """Of the records so far, all come from the one secret that there was: the first."""
    op.add_column(
        "databases", sa.Column("secret", sa.Text, nullable=False, server_default=sa.text("''"))
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
    )

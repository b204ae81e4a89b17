"""Nonces: each password is a new one, even after a restored registry has lost its rotations."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0004"
down_revision = "0003"


def upgrade(op: Operations) -> None:
    """Leave the passwords of the records so far as they are: those came about without a nonce."""
    op.add_column(
        "databases", sa.Column("nonce", sa.Text, nullable=False, server_default=sa.text("''"))
    )

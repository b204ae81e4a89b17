"""Add a type, a column of it, and an index."""

import sqlalchemy as sa
from alembic import op

revision = "b2"
down_revision = "a1"

COLOUR = sa.Enum("red", "green", name="colour")


def upgrade() -> None:
    COLOUR.create(op.get_bind())
    op.add_column("fruits", sa.Column("colour", COLOUR, server_default="red", nullable=False))
    op.create_index("fruits_by_colour", "fruits", ["colour"])


def downgrade() -> None:
    op.drop_column("fruits", "colour")
    COLOUR.drop(op.get_bind())

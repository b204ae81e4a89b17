"""Create a table with a row."""

import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


def upgrade() -> None:
    fruits = op.create_table(
        "fruits", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text)
    )
    op.bulk_insert(fruits, [{"name": "Äpfel"}])


def downgrade() -> None:
    op.drop_table("fruits")

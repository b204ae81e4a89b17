"""The glossary's words for states and operations, in every record.

An older pgvend refuses to start on these tables. One that is still running during the migration
cannot read a record that holds a new word. On PostgreSQL a trigger also keeps it from writing a
former word, which would make every list that contains the record unreadable for the new version.
In both cases it answers 503 and the caller retries; the new version finishes what the older one
started. Stop all replicas before the upgrade to avoid this. SQLite needs no trigger: a single
process has the file open. Migrations 0003 and 0004 add columns with defaults and nothing else, so
that an older pgvend that was still running could go on reading and writing.
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0005"
down_revision = "0004"

_STATES = {"retiring": "deleting", "retired": "deleted"}
_OPERATIONS = {"retire": "delete", "confine": "set_read_only", "release": "clear_read_only"}

_IS_LIVE = sa.text("state NOT IN ('failed', 'deleted')")
_FORMER_INDEXES = ("databases_database", "databases_owner", "databases_quota")
_INDEXES = {
    "databases_database": (["target", "database"], True),
    "databases_owner": (["target", "owner"], True),
    "databases_live": (["id"], False),
    "databases_live_caller": (["caller", "id"], False),
}
"""The indexes of live records: their columns, and whether they are unique. The last two keep lists
quick that leave out the deleted records, however many there are."""


def upgrade(op: Operations) -> None:
    """Rewrite the records between dropping and creating the indexes: under the former condition, a
    deleted record would hold its names again."""
    is_postgres = op.get_context().dialect.name == "postgresql"
    for name in _FORMER_INDEXES:
        op.drop_index(name, "databases")
    for former, new in _STATES.items():
        op.execute(f"UPDATE databases SET state = '{new}' WHERE state = '{former}'")
    for former, new in _OPERATIONS.items():
        op.execute(_rename_operation(former, new, is_postgres=is_postgres))
    for name, (columns, unique) in _INDEXES.items():
        op.create_index(
            name,
            "databases",
            columns,
            unique=unique,
            postgresql_where=_IS_LIVE,
            sqlite_where=_IS_LIVE,
        )
    if is_postgres:
        _refuse_former_words(op)


def _rename_operation(former: str, new: str, *, is_postgres: bool) -> str:
    """Return the statement that replaces a name in the text of the histories.

    Both databases store one space after a colon, and a backslash before a quotation mark inside an
    error message, so that only the name of a step matches. This also works on a history that is
    not a list of steps.
    """
    text, back = ("history::text", "::jsonb") if is_postgres else ("history", "")
    name = '"name": "{}"'.format
    return (
        f"UPDATE databases SET history = replace({text}, '{name(former)}', '{name(new)}'){back} "
        f"WHERE {text} LIKE '%{name(former)}%'"
    )


def _refuse_former_words(op: Operations) -> None:
    states = ", ".join(f"'{state}'" for state in _STATES)
    histories = " OR ".join(
        f"""NEW.history @> '[{{"name": "{operation}"}}]'""" for operation in _OPERATIONS
    )
    op.execute(
        "CREATE FUNCTION databases_refuse_former_words() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'this pgvend is older than its registry: upgrade it'; END $$"
    )
    op.execute(
        "CREATE TRIGGER databases_refuse_former_words BEFORE INSERT OR UPDATE ON databases "
        f"FOR EACH ROW WHEN (NEW.state IN ({states}) OR {histories}) "
        "EXECUTE FUNCTION databases_refuse_former_words()"
    )

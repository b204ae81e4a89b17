"""Create databases as the fixture of pytest-postgresql does.

It runs by the Python that has pytest-postgresql. Arguments: host, port, user and template. For each
line of the input it creates a database or drops one, and prints a line when that is done.
"""

import sys
from contextlib import ExitStack
from uuid import uuid4

import psycopg
from pytest_postgresql.janitor import DatabaseJanitor


def main(host: str, port: str, user: str, template: str) -> None:
    databases: list[ExitStack] = []
    for line in sys.stdin:
        if line == "create\n":
            databases.append(create(host, port, user, template))
        else:
            databases.pop().close()
        print("done", flush=True)


def create(host: str, port: str, user: str, template: str) -> ExitStack:
    """Return what drops the database."""
    login = {"host": host, "port": port, "user": user, "dbname": f"tests_{uuid4().hex}"}
    stack = ExitStack()
    stack.enter_context(DatabaseJanitor(template_dbname=template, **login))
    connection = stack.enter_context(psycopg.connect(**login))
    connection.execute("SELECT 1")
    return stack


if __name__ == "__main__":
    main(*sys.argv[1:])

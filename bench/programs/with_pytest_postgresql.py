"""Create a database as the fixture of pytest-postgresql does, for each line of the input.

It runs by the Python that has pytest-postgresql. Arguments: host, port, user and template. Prints a
line when the database can be used; a second line of the input drops it.
"""

import sys
from uuid import uuid4

import psycopg
from pytest_postgresql.janitor import DatabaseJanitor


def main(host: str, port: str, user: str, template: str) -> None:
    while sys.stdin.readline():
        name = f"tests_{uuid4().hex}"
        janitor = DatabaseJanitor(
            user=user, host=host, port=port, dbname=name, template_dbname=template
        )
        login = {"host": host, "port": port, "user": user, "dbname": name}
        with janitor, psycopg.connect(**login) as connection:
            connection.execute("SELECT 1")
            print(name, flush=True)
            sys.stdin.readline()
        print("dropped", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

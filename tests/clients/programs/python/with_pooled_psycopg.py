"""Round trips by psycopg through a pooler in transaction mode; the argument is the URI."""

import sys

import psycopg

with psycopg.connect(sys.argv[1], prepare_threshold=None) as connection:
    connection.execute("CREATE TABLE fruits (id serial PRIMARY KEY, name text NOT NULL)")

clients = [psycopg.connect(sys.argv[1], prepare_threshold=None) for _ in range(10)]
for number, client in enumerate(clients):
    client.execute("INSERT INTO fruits (name) VALUES (%s)", [f"Äpfel {number}"])
    client.commit()

sessions = set()
for client in clients:
    row = client.execute("SELECT pg_backend_pid(), count(*) FROM fruits").fetchone()
    assert row is not None
    sessions.add(row[0])
    assert row[1] == len(clients), row
    client.commit()
    client.close()

assert len(sessions) <= 2, sessions

"""A round trip by psycopg; the argument is the URI."""

import sys

import psycopg

with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("CREATE TABLE fruits (id serial PRIMARY KEY, name text NOT NULL)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO fruits (name) VALUES (%s)", [("Äpfel",), ("Birnen",)])

with psycopg.connect(sys.argv[1]) as connection:
    names = [name for (name,) in connection.execute("SELECT name FROM fruits ORDER BY id")]
    assert names == ["Äpfel", "Birnen"], names

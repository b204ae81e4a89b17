"""What of a connection is told, and in which members."""

import json
from dataclasses import replace

from domain.connection import Connection
from domain.secret import Secret
from entrypoints.http.bodies import json_response
from entrypoints.http.schemas import ConnectionOut

DIRECT = Connection(host="db.example", port=5432, database="x", user="u", password=Secret("p"))
POOLED = replace(DIRECT, pooler_host="pooler.example")


def told(connection: Connection) -> dict[str, object]:
    """As it is on the wire."""
    answer = json_response(ConnectionOut.of(connection))
    assert answer.text
    return dict(json.loads(answer.text))


def test_a_pooler_is_told_beside_the_host() -> None:
    assert told(POOLED) == told(DIRECT) | {"pooler_host": "pooler.example"}


def test_where_there_is_no_pooler_there_is_no_member_for_one() -> None:
    members = {"host", "port", "database", "user", "password", "sslmode", "uri"}

    assert set(told(DIRECT)) == members

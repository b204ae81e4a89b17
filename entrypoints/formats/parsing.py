"""Reading a connection from an answer of the API."""

from typing import Any

from domain.connection import Connection
from domain.postgres_url import Address
from domain.secrets import Secret


def parse_members(answer: Any) -> Connection:
    """Return the connection of which these are the members in the API. Raises ValueError if they
    are not those of a connection."""
    match answer:
        case {
            "host": str(host),
            "port": int(port),
            "database": str(database),
            "user": str(user),
            "password": str(password),
            "sslmode": str(sslmode),
        }:
            return Connection(
                host=host,
                port=port,
                more_hosts=_parse_more_hosts(answer.get("hosts")),
                target_session_attrs=answer.get("target_session_attrs", "any"),
                database=database,
                user=user,
                password=Secret(password),
                sslmode=sslmode,
                sslrootcert=answer.get("sslrootcert"),
                connection_limit=answer.get("connection_limit"),
                pooler_host=answer.get("pooler_host"),
            )
    raise ValueError("not a connection")


def _parse_more_hosts(answer: Any) -> tuple[Address, ...]:
    """Return the hosts after the first. Raises ValueError if they are malformed."""
    try:
        return tuple(Address(str(at["host"]), int(at["port"])) for at in (answer or [])[1:])
    except (TypeError, KeyError):
        raise ValueError("not the hosts of a connection") from None

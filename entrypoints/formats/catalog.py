"""All formats by name, and the values that each can express."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.connection import Connection
from domain.errors import Conflict
from domain.text import escape_unprintable, is_plain
from entrypoints.formats import rendering

TEXT = "text/plain"


class Render(Protocol):
    """Write a connection; `ca_file` is the file in which the reader keeps its `sslrootcert`."""

    def __call__(self, connection: Connection, ca_file: str | None = None) -> str: ...


class NotExpressible(Conflict):
    """The format cannot express a part of the connection; another format can."""

    code = "not_expressible"


CanExpress = Callable[[str], bool]


def is_possible_name(text: str) -> bool:
    """Return whether PostgreSQL can have the text in a name or password; the format escapes
    everything else."""
    return _IMPOSSIBLE.search(text) is None


_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Format:
    """A format. Its text is UTF-8. `expresses` returns whether the format can write a value: one
    that is read line by line cannot write control characters."""

    name: str
    media_type: str
    write: Render = field(repr=False)
    can_express: CanExpress = is_possible_name

    def render(self, connection: Connection, ca_file: str | None = None) -> str:
        """Write the connection. Raises NotExpressible."""
        self.check(connection, ca_file)
        return self.write(connection, ca_file)

    def check(self, connection: Connection, ca_file: str | None = None) -> None:
        """Raise NotExpressible if the format cannot express the connection."""
        hosts = ",".join(at.host for at in connection.addresses)
        if not is_plain(hosts):  # URIs do not escape the host
            raise NotExpressible(
                f"The host '{escape_unprintable(hosts)}' holds control characters."
            )
        parts = {
            "database": connection.database,
            "user": connection.user,
            "password": connection.password.reveal(),
            "sslmode": connection.sslmode,
            "target_session_attrs": connection.target_session_attrs,
            "file of certificate authorities": ca_file or "",
        }
        for part, value in parts.items():
            if not self.can_express(value):
                name = "" if part == "password" else f" '{escape_unprintable(value)}'"
                raise NotExpressible(
                    f"The format {self.name} cannot express the {part}{name}; use another format, "
                    "such as json or uri."
                )


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("json", "application/json", rendering.to_json),
        Format("uri", TEXT, rendering.to_uri),
        Format("env", TEXT, rendering.to_env, is_plain),
        Format("jdbc", TEXT, rendering.to_jdbc),
        Format("psql", TEXT, rendering.to_psql, is_plain),
        Format("sqlalchemy", TEXT, rendering.to_sqlalchemy),
        Format("sqlalchemy-asyncpg", TEXT, rendering.to_sqlalchemy_asyncpg),
        Format("django", TEXT, rendering.to_django),
        Format("node", TEXT, rendering.to_node),
        Format("prisma", TEXT, rendering.to_prisma),
        Format("dotnet", TEXT, rendering.to_dotnet, is_plain),
        Format("docker", TEXT, rendering.to_docker, is_plain),
        Format("k8s-secret", "application/yaml", rendering.to_k8s_secret),
    )
}

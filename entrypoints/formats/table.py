"""Every format, by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.connection import Connection
from entrypoints.formats import rendering

TEXT = "text/plain"


class Render(Protocol):
    """Write a connection; `ca_file` is where the reader keeps its `sslrootcert`."""

    def __call__(self, connection: Connection, ca_file: str | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Format:
    """`media_type` is what the text says it is; it is UTF-8."""

    name: str
    media_type: str
    render: Render


FORMATS: Mapping[str, Format] = {
    written.name: written
    for written in (
        Format("json", "application/json", rendering.as_json),
        Format("uri", TEXT, rendering.as_uri),
        Format("env", TEXT, rendering.as_env),
        Format("jdbc", TEXT, rendering.as_jdbc),
        Format("psql", TEXT, rendering.as_psql),
        Format("sqlalchemy", TEXT, rendering.as_sqlalchemy),
        Format("sqlalchemy-asyncpg", TEXT, rendering.as_sqlalchemy_asyncpg),
        Format("django", TEXT, rendering.as_django),
        Format("node", TEXT, rendering.as_node),
        Format("prisma", TEXT, rendering.as_prisma),
        Format("dotnet", TEXT, rendering.as_dotnet),
        Format("docker", TEXT, rendering.as_docker),
        Format("k8s-secret", "application/yaml", rendering.as_k8s_secret),
    )
}

"""Every format, by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.connection import Connection
from entrypoints.formats import rendering

TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class Format:
    """`media_type` is what the text says it is; it is UTF-8."""

    name: str
    media_type: str
    render: Callable[[Connection], str]


FORMATS: Mapping[str, Format] = {
    written.name: written
    for written in (
        Format("json", "application/json", rendering.as_json),
        Format("uri", TEXT, rendering.as_uri),
        Format("env", TEXT, rendering.as_env),
        Format("jdbc", TEXT, rendering.as_jdbc),
        Format("psql", TEXT, rendering.as_psql),
        Format("sqlalchemy", TEXT, rendering.as_sqlalchemy),
        Format("prisma", TEXT, rendering.as_prisma),
        Format("dotnet", TEXT, rendering.as_dotnet),
        Format("docker", TEXT, rendering.as_docker),
        Format("k8s-secret", "application/yaml", rendering.as_k8s_secret),
    )
}

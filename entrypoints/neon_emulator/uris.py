"""Connection URIs of a project's databases."""

from urllib.parse import quote

from entrypoints.neon_emulator.api.responses import Json
from entrypoints.neon_emulator.state.catalog import Database, Role
from entrypoints.neon_emulator.state.emulator import HOST
from entrypoints.neon_emulator.state.project import Project


def build_connection_uri(project: Project, role: Role, database_name: str) -> str:
    """Build a URI without TLS: the bundled server listens on loopback and does not support it."""
    secret = f":{quote(role.password, safe='')}" if role.password else ""
    user, database = quote(role.name, safe=""), quote(database_name, safe="")
    return f"postgresql://{user}{secret}@{HOST}:{project.compute.port}/{database}?sslmode=disable"


def render_connection(project: Project, role: Role, database: Database) -> Json:
    return {
        "connection_uri": build_connection_uri(project, role, database.name),
        "connection_parameters": {
            "database": database.name,
            "password": role.password or "",
            "role": role.name,
            "host": HOST,
            "pooler_host": HOST,
        },
    }

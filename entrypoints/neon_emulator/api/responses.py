"""Neon's JSON, with every field that its API description requires, and connection URIs."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web

from entrypoints.neon_emulator.state.catalog import Database, Role
from entrypoints.neon_emulator.state.emulator import HOST, Emulator
from entrypoints.neon_emulator.state.operations import Operation
from entrypoints.neon_emulator.state.project import Project

Json = dict[str, Any]

OWNER_ID = "emulated-owner"
PROVISIONER = "k8s-neonvm"
SOURCE = "console"
PLAN = "free_v2"
"""Neon's Python client does not know newer plans."""
MAX_SIZE = 512


def json_response(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def format_time(moment: datetime) -> str:
    """Format a time as RFC 3339, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render_times(item: Any) -> Json:
    return {
        "created_at": format_time(item.created_at),
        "updated_at": format_time(item.updated_at),
    }


def render_role(project: Project, role: Role, *, secret: bool = False) -> Json:
    """Render a role, with its password only in responses that reveal it."""
    password = {"password": role.password} if secret and role.password else {}
    return {
        "branch_id": project.branch.id,
        "name": role.name,
        **password,
        "protected": False,
        "authentication_method": "no_login" if role.no_login else "password",
        **render_times(role),
    }


def render_database(project: Project, database: Database) -> Json:
    return {
        "id": database.id,
        "branch_id": project.branch.id,
        "name": database.name,
        "owner_name": database.owner_name,
        **render_times(database),
    }


def render_operation(project: Project, operation: Operation) -> Json:
    seconds = project.operations.measure_duration(operation)
    failure = {
        "error": operation.error,
        "retry_at": operation.retry_at and format_time(operation.retry_at),
    }
    on_compute = (
        {} if operation.action == "create_timeline" else {"endpoint_id": project.endpoint.id}
    )
    return {
        "id": operation.id,
        "project_id": project.id,
        "branch_id": project.branch.id,
        **on_compute,
        "action": operation.action,
        "status": operation.status,
        **{name: value for name, value in failure.items() if value},
        "failures_count": operation.failures_count,
        **render_times(operation),
        "total_duration_ms": round(seconds * 1000),
    }


def render_operations(project: Project, operations: list[Operation]) -> Json:
    return {"operations": [render_operation(project, operation) for operation in operations]}


def render_branch(project: Project) -> Json:
    branch = project.branch
    return {
        "id": branch.id,
        "project_id": project.id,
        "name": branch.name,
        "current_state": branch.state,
        "state_changed_at": format_time(branch.updated_at),
        "logical_size": 0,
        "creation_source": SOURCE,
        "primary": True,
        "default": True,
        "protected": False,
        "init_source": "parent-data",
        **_render_usage(),
        **render_times(branch),
    }


def render_endpoint(emulator: Emulator, project: Project) -> Json:
    endpoint = project.endpoint
    return {
        "id": endpoint.id,
        "host": HOST,
        "project_id": project.id,
        "branch_id": project.branch.id,
        "region_id": project.region_id,
        "autoscaling_limit_min_cu": 0.25,
        "autoscaling_limit_max_cu": 0.25,
        "type": "read_write",
        "current_state": get_endpoint_state(emulator, project),
        "settings": {},
        "pooler_enabled": False,
        "pooler_mode": "transaction",
        "disabled": False,
        "passwordless_access": True,
        "creation_source": SOURCE,
        "proxy_host": HOST,
        "suspend_timeout_seconds": 0,
        "provisioner": PROVISIONER,
        **render_times(endpoint),
    }


def build_connection_uri(project: Project, role: Role, database_name: str) -> str:
    """Build a URI without TLS: the bundled server listens on loopback and does not support it."""
    password = f":{quote(role.password, safe='')}" if role.password else ""
    user, database = quote(role.name, safe=""), quote(database_name, safe="")
    return f"postgresql://{user}{password}@{HOST}:{project.compute.port}/{database}?sslmode=disable"


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


def get_endpoint_state(emulator: Emulator, project: Project) -> str:
    if not project.endpoint.started:
        return "init"
    if project.operations.is_running:
        return "active"
    return "idle" if emulator.behaviour.idle or project.endpoint.suspended else "active"


def render_project(project: Project) -> Json:
    return {
        **_render_project_fields(project),
        **_render_usage(),
        "data_storage_bytes_hour": 0,
        "history_retention_seconds": project.history_retention_seconds,
        "consumption_period_start": format_time(project.created_at),
        "consumption_period_end": format_time(project.created_at),
        "owner": {
            "email": "emulated@example.com",
            "name": OWNER_ID,
            "branches_limit": 1,
            "subscription_type": PLAN,
        },
    }


def render_project_list_item(project: Project) -> Json:
    return {**_render_project_fields(project), "active_time": 0, "cpu_used_sec": 0}


def _render_project_fields(project: Project) -> Json:
    return {
        "id": project.id,
        "name": project.name,
        "platform_id": "aws",
        "region_id": project.region_id,
        "provisioner": PROVISIONER,
        "pg_version": project.pg_version,
        "proxy_host": HOST,
        "branch_logical_size_limit": MAX_SIZE,
        "branch_logical_size_limit_bytes": MAX_SIZE * 1024 * 1024,
        "store_passwords": project.store_passwords,
        "creation_source": SOURCE,
        "settings": {},
        "default_endpoint_settings": {},
        "owner_id": OWNER_ID,
        **({"org_id": project.org_id} if project.org_id else {}),
        **render_times(project),
    }


def _render_usage() -> Json:
    return {
        "cpu_used_sec": 0,
        "active_time_seconds": 0,
        "compute_time_seconds": 0,
        "written_data_bytes": 0,
        "data_transfer_bytes": 0,
    }

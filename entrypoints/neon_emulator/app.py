"""The application: Neon's routes and the emulator's own."""

from aiohttp import web

from entrypoints.neon_emulator.api import account, branches, control, databases, projects, roles
from entrypoints.neon_emulator.api.fault_injection import inject_faults
from entrypoints.neon_emulator.api.middleware import (
    API,
    EMULATOR,
    add_request_id,
    check_key,
    record_exchange,
    render_errors,
)
from entrypoints.neon_emulator.state.emulator import Emulator

PROJECT = f"{API}/projects/{{project_id}}"
BRANCH = f"{PROJECT}/branches/{{branch_id}}"
ENDPOINT = f"{PROJECT}/endpoints/{{endpoint_id}}"
ROLE = f"{BRANCH}/roles/{{role_name}}"
DATABASE = f"{BRANCH}/databases/{{database_name}}"

ROUTES = (
    # faults name their route
    ("GET", f"{API}/users/me", account.show_user, "get_user"),
    ("GET", f"{API}/users/me/organizations", account.list_organizations, "list_organizations"),
    ("GET", f"{API}/regions", account.list_regions, "list_regions"),
    ("GET", f"{API}/projects", projects.list_, "list_projects"),
    ("POST", f"{API}/projects", projects.create, "create_project"),
    ("GET", f"{API}/projects/shared", account.list_shared_projects, "list_shared_projects"),
    ("GET", PROJECT, projects.show, "get_project"),
    ("PATCH", PROJECT, projects.rename, "update_project"),
    ("DELETE", PROJECT, projects.delete, "delete_project"),
    ("GET", f"{PROJECT}/connection_uri", projects.show_connection_uri, "get_connection_uri"),
    ("GET", f"{PROJECT}/operations", projects.list_operations, "list_operations"),
    ("GET", f"{PROJECT}/operations/{{operation_id}}", projects.show_operation, "get_operation"),
    ("GET", f"{PROJECT}/branches", branches.list_, "list_branches"),
    ("POST", f"{PROJECT}/branches", branches.create, "create_branch"),
    ("GET", f"{PROJECT}/branches/count", branches.count, "count_branches"),
    ("GET", BRANCH, branches.show, "get_branch"),
    ("PATCH", BRANCH, branches.rename, "update_branch"),
    ("DELETE", BRANCH, branches.delete, "delete_branch"),
    ("GET", f"{PROJECT}/endpoints", branches.list_endpoints, "list_endpoints"),
    ("GET", f"{BRANCH}/endpoints", branches.list_branch_endpoints, "list_branch_endpoints"),
    ("GET", ENDPOINT, branches.show_endpoint, "get_endpoint"),
    ("POST", f"{ENDPOINT}/start", branches.start_endpoint, "start_endpoint"),
    ("POST", f"{ENDPOINT}/suspend", branches.suspend_endpoint, "suspend_endpoint"),
    ("POST", f"{ENDPOINT}/restart", branches.restart_endpoint, "restart_endpoint"),
    ("GET", f"{BRANCH}/roles", roles.list_, "list_roles"),
    ("POST", f"{BRANCH}/roles", roles.create, "create_role"),
    ("GET", ROLE, roles.show, "get_role"),
    ("DELETE", ROLE, roles.delete, "delete_role"),
    ("POST", f"{ROLE}/reset_password", roles.reset_password, "reset_password"),
    ("GET", f"{ROLE}/reveal_password", roles.reveal_password, "reveal_password"),
    ("GET", f"{BRANCH}/databases", databases.list_, "list_databases"),
    ("POST", f"{BRANCH}/databases", databases.create, "create_database"),
    ("GET", DATABASE, databases.show, "get_database"),
    ("PATCH", DATABASE, databases.change, "update_database"),
    ("DELETE", DATABASE, databases.delete, "delete_database"),
)

CONTROL_ROUTES = (
    # faults do not apply to these
    ("GET", "/emulator/behaviour", control.show_behaviour),
    ("PATCH", "/emulator/behaviour", control.change_behaviour),
    ("POST", "/emulator/lock", control.lock),
    ("DELETE", "/emulator/lock", control.unlock),
    ("GET", "/emulator/faults", control.list_faults),
    ("POST", "/emulator/faults", control.add_fault),
    ("DELETE", "/emulator/faults", control.clear_faults),
    ("GET", "/emulator/requests", control.list_requests),
)


def create_app(emulator: Emulator) -> web.Application:
    app = web.Application(
        middlewares=[add_request_id, record_exchange, render_errors, check_key, inject_faults]
    )
    app[EMULATOR] = emulator
    app.on_shutdown.append(_stop_hanging_requests)
    for method, path, handler, name in ROUTES:
        app.router.add_route(method, path, handler, name=name)
    for method, path, handler in CONTROL_ROUTES:
        app.router.add_route(method, path, handler)
    return app


async def _stop_hanging_requests(app: web.Application) -> None:
    """End the requests whose response a fault holds back."""
    app[EMULATOR].closing.set()

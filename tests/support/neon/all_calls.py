"""Every call of Neon's API that the emulator accepts, with all that it can be asked.

They are for a client whose project has a role `ana` that owns a database `shop`.
"""

from typing import Any

from tests.support.neon.client import NeonClient


async def read_everything(client: NeonClient) -> None:
    endpoint = await _endpoint(client)
    operations = await client.call("GET", f"{client.project}/operations")
    operation = operations.body["operations"][0]["id"]
    uri = f"{client.project}/connection_uri?role_name=ana&database_name=shop&pooled=true"
    await _succeed(
        client,
        ("GET", "/users/me"),
        ("GET", "/users/me/organizations"),
        ("GET", "/regions"),
        ("GET", "/projects?limit=400&search=a&org_id=org-1"),
        ("GET", "/projects"),
        ("GET", "/projects/shared?limit=100"),
        ("GET", client.project),
        ("GET", f"{client.project}/operations/{operation}"),
        ("GET", f"{client.project}/branches?limit=100&sort_by=name&sort_order=asc"),
        ("GET", f"{client.project}/branches/count"),
        ("GET", client.branch),
        ("GET", f"{client.project}/endpoints"),
        ("GET", f"{client.branch}/endpoints"),
        ("GET", endpoint),
        ("GET", f"{client.branch}/roles"),
        ("GET", client.role("ana")),
        ("GET", f"{client.role('ana')}/reveal_password"),
        ("GET", f"{client.branch}/databases"),
        ("GET", client.database("shop")),
        ("GET", uri),
    )


async def change_roles_and_databases(client: NeonClient) -> None:
    await client.done(await client.create_role("bob"))
    await client.done(await client.create_database("store", "bob"))
    await client.done(await client.reset_password("bob"))
    changes = {"database": {"name": "stock", "owner_name": "ana"}}
    await client.done(await client.call("PATCH", client.database("store"), changes))
    await client.done(await client.delete_database("stock"))
    await client.done(await client.delete_role("bob"))


async def change_a_project(client: NeonClient) -> None:
    created = await client.done(await client.create_project(name="another", pg_version=16))
    path = f"/projects/{created.body['project']['id']}"
    await _succeed(
        client,
        ("PATCH", path, {"project": {"name": "renamed"}}),
        ("PATCH", f"{path}/branches/{created.body['branch']['id']}", {"branch": {"name": "dev"}}),
        ("DELETE", path),
    )


async def change_the_compute(client: NeonClient) -> None:
    endpoint = await _endpoint(client)
    for change in ("suspend", "start", "restart"):
        await client.done(await client.call("POST", f"{endpoint}/{change}"))


async def _endpoint(client: NeonClient) -> str:
    listed = await client.call("GET", f"{client.project}/endpoints")
    return f"{client.project}/endpoints/{listed.body['endpoints'][0]['id']}"


async def _succeed(client: NeonClient, *calls: tuple[Any, ...]) -> None:
    for call in calls:
        answer = await client.call(*call)
        assert answer.status < 300, (call, answer)

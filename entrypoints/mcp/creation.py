"""Creation of databases in a way that agents can repeat."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from domain.errors import IllegalTransition, OtherSource
from entrypoints.mcp.api import Api, Record
from entrypoints.mcp.problems import ToolProblem

FORMER = ("expired", "deleting", "deleted", "failed")

Body = Mapping[str, Any]


async def create_once(api: Api, body: Body) -> Record:
    """Create a database, or return the one that the same call created before, with its connection,
    as long as it is ready and the service remembers the call. Raises ToolProblem."""
    try:
        return await _create(api, body, _derive_key(body, former_id=""))
    except ToolProblem as problem:
        if problem.code != IllegalTransition.code:
            raise
        former = await _list_own(api, str(body["nickname"]), *FORMER)
        if not former:
            raise
    return await _create(api, body, _derive_key(body, former_id=former[0]["id"]))


async def reuse_database(api: Api, body: Body) -> Record:
    """Return the caller's database of that nickname with its connection: a new one if there is no
    such database, and an expired one restored. Raises ToolProblem.

    A database that is ready keeps its expiry and its labels: the API would replace them, and an
    agent's short lifetime would delete a database that somebody meant to keep.
    """
    ready = await _list_own(api, str(body["nickname"]), "ready")
    if len(ready) != 1:
        return await api.fetch("POST", "databases", body={**body, "on_conflict": "reuse"})
    [database] = ready
    await _check_source(api, database, str(body.get("template", "")))
    record = await _add_extensions(api, database, body.get("extensions", ()))
    connection = await api.fetch("GET", "databases", record["id"], "connection")
    return {**record, "connection": connection}


async def _create(api: Api, body: Body, key: str) -> Record:
    return await api.fetch("POST", "databases", body=body, headers={"Idempotency-Key": key})


def _derive_key(body: Body, *, former_id: str) -> str:
    """Return the idempotency key of a creation; another one after the `former_id` is gone."""
    content = json.dumps([body, former_id], sort_keys=True)
    return f"pgvend-mcp-{sha256(content.encode()).hexdigest()}"


async def _list_own(api: Api, nickname: str, *states: str) -> list[Any]:
    """Return the caller's databases of that nickname, the newest first. An admin's key lists those
    of other callers too."""
    caller = (await api.fetch("GET", "whoami"))["caller"]
    query = [("nickname", nickname), *(("state", state) for state in states)]
    page = await api.fetch("GET", "databases", query=[*query, ("page_size", "200")])
    return [each for each in page["databases"] if each["caller"] == caller]


async def _check_source(api: Api, database: Record, template: str) -> None:
    """Raise ToolProblem if the database is not a copy of the template that the call names."""
    if not template:
        return
    found = await api.fetch("GET", "templates", template)
    if database["source"] != found["id"]:
        raise ToolProblem(OtherSource.code, str(OtherSource()))


async def _add_extensions(api: Api, database: Record, names: Any) -> Record:
    for name in names:
        if name not in database["extensions"]:
            path = ("databases", database["id"], "extensions")
            database = await api.fetch("POST", *path, body={"name": name})
    return database

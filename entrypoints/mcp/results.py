"""Results of the tools. Each may have further members: those of the API."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Result(BaseModel):
    model_config = ConfigDict(extra="allow")


class Database(Result):
    """The record of a database."""

    id: str
    nickname: str
    state: str
    database: str
    owner: str
    labels: dict[str, str]
    extensions: list[str]
    created_at: str
    expires_at: str | None
    restorable_until: str | None


class ConnectedDatabase(Database):
    """The record of a database, and its connection without the password."""

    connection: dict[str, Any]


class DatabasePage(Result):
    """Databases; `next_page_token` is empty on the last page."""

    databases: list[Database]
    next_page_token: str


class ConnectionResult(Result):
    """A connection in the format that was asked for."""

    format: str
    connection: dict[str, Any] | str
    password_included: bool


class Extension(Result):
    name: str
    version: str
    description: str


class ExtensionList(Result):
    extensions: list[Extension]


class Template(Result):
    id: str
    name: str
    state: str


class TemplateList(Result):
    templates: list[Template]

"""The bodies about extensions."""

from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, Field

from domain.extensions import Extension
from entrypoints.http.schemas import Body, ExtensionName


class ExtensionBody(Body):
    name: ExtensionName = Field(examples=["vector"])


class ExtensionOut(BaseModel):
    """An extension, in the version that a new database gets."""

    name: str
    version: str
    description: str

    @classmethod
    def of(cls, extension: Extension) -> "ExtensionOut":
        return ExtensionOut(
            name=extension.name, version=extension.version, description=extension.description
        )


class ExtensionsOut(BaseModel):
    extensions: list[ExtensionOut]

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> Self:
        return cls(extensions=[ExtensionOut.of(extension) for extension in extensions])

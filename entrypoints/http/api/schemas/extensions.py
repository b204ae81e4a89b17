"""Schemas of extensions."""

from collections.abc import Iterable
from typing import Self

from pydantic import Field

from domain.extensions import Extension
from entrypoints.http.api.schemas.fields import Body, ExtensionName, ResponseBody


class AddExtensionRequest(Body):
    name: ExtensionName = Field(examples=["vector"])


class ExtensionResponse(ResponseBody):
    """An extension, in the version that a new database gets."""

    name: str
    version: str
    description: str

    @classmethod
    def of(cls, extension: Extension) -> "ExtensionResponse":
        return ExtensionResponse(
            name=extension.name, version=extension.version, description=extension.description
        )


class ExtensionListResponse(ResponseBody):
    extensions: list[ExtensionResponse]

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> Self:
        return cls(extensions=[ExtensionResponse.of(extension) for extension in extensions])

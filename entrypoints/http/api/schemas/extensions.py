"""Schemas of extensions."""

from collections.abc import Iterable
from typing import Self

from pydantic import Field

from domain.extensions import Extension
from entrypoints.http.api.schemas.fields import ExtensionName, RequestBody, ResponseBody


class AddExtensionRequest(RequestBody):
    name: ExtensionName = Field(examples=["vector"])


class ExtensionResponse(ResponseBody):
    """An extension, in the version that a new database gets."""

    name: str
    version: str
    description: str

    @classmethod
    def from_domain(cls, extension: Extension) -> "ExtensionResponse":
        return ExtensionResponse(
            name=extension.name, version=extension.version, description=extension.description
        )


class ExtensionListResponse(ResponseBody):
    extensions: list[ExtensionResponse]

    @classmethod
    def from_domain(cls, extensions: Iterable[Extension]) -> Self:
        return cls(
            extensions=[ExtensionResponse.from_domain(extension) for extension in extensions]
        )

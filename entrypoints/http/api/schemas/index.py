"""Schema of the index."""

from collections.abc import Mapping

from pydantic import Field

from entrypoints.http.api.schemas.fields import ResponseBody


class IndexResponse(ResponseBody):
    """The service, and where to go on."""

    name: str
    version: str
    links: Mapping[str, str] = Field(description="Addresses of this service, by what is there.")
    formats: list[str] = Field(description="The names of the connection formats.")

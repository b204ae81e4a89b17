"""Field types and base classes that the schemas share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from domain.expiry import DURATION_PATTERN
from domain.labels import KEY_PATTERN, MAX_LABELS, VALUE_PATTERN
from domain.lifecycle import PUBLIC
from domain.names import MAX_NICKNAME
from domain.templates import NAME_PATTERN

ExtensionName = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,63}$")]
"""All existing extensions match this pattern; other names never reach a record."""

Nickname = Annotated[
    str,
    Field(
        description="Contains at least one letter or digit of any script, and no control "
        "characters.",
        examples=["Sales Data 2024"],
        json_schema_extra={"minLength": 1, "maxLength": MAX_NICKNAME},
    ),
]
Duration = Annotated[
    str,
    Field(
        description="Time until it expires, counted from now: one minute or more.",
        examples=["24h", "P1DT12H"],
        json_schema_extra={"pattern": DURATION_PATTERN},
    ),
]
Labels = Annotated[
    dict[str, str],
    Field(
        examples=[{"team": "web"}],
        json_schema_extra={
            "maxProperties": MAX_LABELS,
            "propertyNames": {"pattern": f"^{KEY_PATTERN.pattern}$"},
            "additionalProperties": {"type": "string", "pattern": f"^{VALUE_PATTERN.pattern}$"},
        },
    ),
]
TemplateName = Annotated[
    str, Field(examples=["shop"], json_schema_extra={"pattern": f"^{NAME_PATTERN.pattern}$"})
]
TemplateReference = Annotated[
    str,
    Field(
        description="The name or the id of a template, to be copied.",
        examples=["shop"],
        min_length=1,
        max_length=MAX_NICKNAME,
    ),
]
SourceReference = Annotated[
    str,
    Field(
        description="The id, the database name or the unique nickname of a database of yours, to "
        "be copied.",
        examples=["sales_data_2024"],
        min_length=1,
        max_length=MAX_NICKNAME,
    ),
]
EndSessions = Annotated[
    bool,
    Field(description="True to end sessions in the database to copy, which prevent the copy."),
]
"""The domain validates these and gives more exact errors; the OpenAPI document shows the bounds."""


STATE_SCHEMA: dict[str, object] = {"type": "string", "enum": list(PUBLIC)}

DatabaseState = Annotated[str, WithJsonSchema(STATE_SCHEMA | {"title": "State"})]
"""The state of a caller's database. Those of spares and templates are not documented."""


class RequestBody(BaseModel):
    """Base class of request bodies.

    Unknown members are rejected, because a misspelled one would have no effect. Values of another
    type are rejected too: 0 is not false.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


class ResponseBody(BaseModel):
    """Base class of response bodies; the OpenAPI document names them without `Response`."""

    model_config = ConfigDict(
        model_title_generator=lambda model: schema_name_from_class(model.__name__)
    )


def schema_name_from_class(class_name: str) -> str:
    """Return the name of a schema in the OpenAPI document."""
    return class_name.removesuffix("Response")


def is_none(value: object) -> bool:
    return value is None

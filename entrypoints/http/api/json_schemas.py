"""JSON schemas of bodies, in a form that suits client generators."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    models_json_schema,
)
from pydantic_core import core_schema

from entrypoints.http.api.schemas.fields import schema_name_from_class

Json = dict[str, Any]
SchemaRefs = Mapping[tuple[type[BaseModel], JsonSchemaMode], Json]

_REF_TEMPLATE = "#/components/schemas/{model}"


@cache
def generate_schemas(
    request_models: tuple[type[BaseModel], ...], response_models: tuple[type[BaseModel], ...]
) -> tuple[SchemaRefs, Json]:
    """Return references to the models of requests and responses, and the schemas they refer to.

    Cached, because pydantic takes a tenth of a second.
    """
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    models += [(model, "validation") for model in dict.fromkeys(request_models)]
    models += [(model, "serialization") for model in dict.fromkeys(response_models)]
    references, definitions = models_json_schema(
        models, ref_template=_REF_TEMPLATE, schema_generator=_SchemaGenerator
    )
    return {model: references[model] for model in models}, definitions["$defs"]


class _SchemaGenerator(GenerateJsonSchema):
    """Schemas with their published names, and without default values.

    Generators treat a member with a default as always present: a caller would have to send it, and
    an answer without it would break the client. Only `required` says which members are present.
    """

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(schema_name_from_class(name))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Return True for all members of responses except those that are excluded conditionally."""
        if self.mode == "serialization":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)

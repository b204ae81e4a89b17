"""The operations, query parameters and fields that an OpenAPI description names.

openapi-core checks values against schemas and, as JSON Schema does, ignores fields that no schema
names, such as a misspelled optional one. This module finds those. Closed schemas
(`additionalProperties: false`) cannot be used, because `allOf` composes objects from parts.
"""

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_WORD = re.compile("[A-Za-z_]+")


@dataclass(frozen=True)
class Operation:
    template: str
    query: frozenset[str]
    body: Schema
    answers: Mapping[str, Schema]
    """By status and `default`; the schema is empty if the response has no body."""

    def answer(self, status: int) -> Schema:
        return self.answers.get(str(status), self.answers["default"])


class Description:
    """Finds operations by method and path, and the fields of a value that a schema lacks."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        # fewest variables first: /projects/shared is not a project
        templates = sorted(document["paths"], key=lambda path: path.count("{"))
        self._paths = [(_pattern(template), template) for template in templates]

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation of a percent-encoded path, or None."""
        template = next((known for pattern, known in self._paths if pattern.fullmatch(path)), None)
        item = self._document["paths"].get(template, {})
        found = item.get(method.lower())
        return self._operation(str(template), item, found) if found else None

    def unknown(self, schema: Schema, value: object, at: str = "") -> Iterator[str]:
        """Return the fields in `value` that `schema` does not name, such as `role.nmae`."""
        schema = self._resolve(schema)
        if isinstance(value, list):
            for item in value:
                yield from self.unknown(schema.get("items", {}), item, at)
        elif isinstance(value, dict) and (fields := self._fields(schema)):
            for name, part in value.items():
                here = f"{at}.{name}".lstrip(".")
                yield from self.unknown(fields[name], part, here) if name in fields else [here]

    def _operation(self, template: str, item: Schema, found: Schema) -> Operation:
        parameters = map(self._resolve, [*item.get("parameters", ()), *found.get("parameters", ())])
        return Operation(
            template=template,
            query=frozenset(each["name"] for each in parameters if each["in"] == "query"),
            body=self._content(found.get("requestBody", {})),
            answers={status: self._content(each) for status, each in found["responses"].items()},
        )

    def _content(self, of: Schema) -> Schema:
        content = self._resolve(of).get("content", {})
        schema: Schema = content.get("application/json", {}).get("schema", {})
        return schema

    def _fields(self, schema: Schema) -> dict[str, Schema]:
        """Return the fields of an object and of its parts; a map has none."""
        fields: dict[str, Schema] = dict(schema.get("properties", {}))
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                fields |= self._fields(self._resolve(part))
        return fields

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(template)))


def shape_of_json(body: bytes) -> Hashable:
    """Return the shape of a document, or the body itself if it is not JSON."""
    try:
        return shape_of(json.loads(body))
    except ValueError:
        return body


def shape_of(value: object) -> Hashable:
    """Return names, types and words such as states, without identifiers, times and numbers.

    Of two values with the same shape, both conform to a description or neither.
    """
    match value:
        case dict():
            return frozenset((name, shape_of(inner)) for name, inner in value.items())
        case list() | tuple():
            return (len(value) > 0, frozenset(map(shape_of, value)))
        case str() if _WORD.fullmatch(value):
            return value
        case _:
            return type(value).__name__

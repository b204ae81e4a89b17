"""What an OpenAPI description names: its operations, their query parameters and their fields.

openapi-core checks values against schemas. It lets pass what no schema names, as JSON Schema has
it: a misspelt optional field or parameter breaks nothing there. This finds those. Closed schemas
(`additionalProperties: false`) would not do, because `allOf` puts objects together from parts.
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
    """By status, and `default`; an empty schema where an answer has no body."""

    def answer(self, status: int) -> Schema:
        return self.answers.get(str(status), self.answers["default"])


class Description:
    """Finds operations by method and path, and tells which fields of a value a schema lacks."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        # fewest variables first: /projects/shared is no project
        templates = sorted(document["paths"], key=lambda path: path.count("{"))
        self._paths = [(_pattern(template), template) for template in templates]

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation of a path as it is sent, percent-encoded; None when there is none."""
        template = next((known for pattern, known in self._paths if pattern.fullmatch(path)), None)
        item = self._document["paths"].get(template, {})
        found = item.get(method.lower())
        return self._operation(str(template), item, found) if found else None

    def unknown(self, schema: Schema, value: object, at: str = "") -> Iterator[str]:
        """Where in `value` there are fields that `schema` does not name, such as `role.nmae`."""
        schema = self._resolved(schema)
        if isinstance(value, list):
            for item in value:
                yield from self.unknown(schema.get("items", {}), item, at)
        elif isinstance(value, dict) and (fields := self._fields(schema)):
            for name, part in value.items():
                here = f"{at}.{name}".lstrip(".")
                yield from self.unknown(fields[name], part, here) if name in fields else [here]

    def _operation(self, template: str, item: Schema, found: Schema) -> Operation:
        parameters = map(
            self._resolved, [*item.get("parameters", ()), *found.get("parameters", ())]
        )
        return Operation(
            template=template,
            query=frozenset(each["name"] for each in parameters if each["in"] == "query"),
            body=self._content(found.get("requestBody", {})),
            answers={status: self._content(each) for status, each in found["responses"].items()},
        )

    def _content(self, of: Schema) -> Schema:
        content = self._resolved(of).get("content", {})
        schema: Schema = content.get("application/json", {}).get("schema", {})
        return schema

    def _fields(self, schema: Schema) -> dict[str, Schema]:
        """The fields of an object and of all that it is put together from; none of a map."""
        fields: dict[str, Schema] = dict(schema.get("properties", {}))
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                fields |= self._fields(self._resolved(part))
        return fields

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(template)))


def shape_of_json(body: bytes) -> Hashable:
    """Return the shape of a document, or the body itself where it is no JSON."""
    try:
        return shape_of(json.loads(body))
    except ValueError:
        return body


def shape_of(value: object) -> Hashable:
    """Names, types and words such as states, without identifiers, times and numbers: two values of
    one shape conform to a description both or neither."""
    match value:
        case dict():
            return frozenset((name, shape_of(inner)) for name, inner in value.items())
        case list() | tuple():
            return (len(value) > 0, frozenset(map(shape_of, value)))
        case str() if _WORD.fullmatch(value):
            return value
        case _:
            return type(value).__name__

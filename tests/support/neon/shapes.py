"""Shapes: names, types and words such as states, without identifiers, times and numbers.

Two values of one shape conform to a description both or neither.
"""

import json
import re
from collections.abc import Hashable

_WORD = re.compile("[A-Za-z_]+")


def shape_of_json(body: bytes) -> Hashable:
    """Return the shape of a document, or the body itself where it is no JSON."""
    try:
        return shape_of(json.loads(body))
    except ValueError:
        return body


def shape_of(value: object) -> Hashable:
    match value:
        case dict():
            return frozenset((name, shape_of(inner)) for name, inner in value.items())
        case list() | tuple():
            return (len(value) > 0, frozenset(map(shape_of, value)))
        case str() if _WORD.fullmatch(value):
            return value
        case _:
            return type(value).__name__

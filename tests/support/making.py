"""Use cases over parts of a test."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

from ports.driving.delete import DeleteDatabase
from ports.driving.make import MakeDatabase
from ports.driving.vend import VendDatabase
from tests.support.orders import deriver

T = TypeVar("T")


def over(use_case: type[T], parts: Mapping[str, Any]) -> T:
    """Create the use case with those of the parts that it has fields for."""
    taken = {part.name for part in fields(cast("Any", use_case))}
    return use_case(**{name: parts[name] for name in parts.keys() & taken})


def vend_with(**parts: Any) -> VendDatabase:
    parts = {"passwords": deriver} | parts
    make = over(MakeDatabase, parts | {"delete": over(DeleteDatabase, parts)})
    return over(VendDatabase, parts | {"make": make})

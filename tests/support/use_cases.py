"""Factories of use cases."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

from ports.use_cases.create_database import VendDatabase
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.provision_database import MakeDatabase
from tests.support.provision_requests import deriver

T = TypeVar("T")


def over(use_case: type[T], parts: Mapping[str, Any]) -> T:
    """Create the use case with those of the parts that it takes."""
    taken = {part.name for part in fields(cast("Any", use_case))}
    return use_case(**{name: parts[name] for name in parts.keys() & taken})


def vend_with(**parts: Any) -> VendDatabase:
    parts = {"passwords": deriver} | parts
    provision = over(MakeDatabase, parts | {"delete": over(DeleteDatabase, parts)})
    return over(VendDatabase, parts | {"provision": provision})

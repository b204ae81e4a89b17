"""A connection in the words of whoever uses it."""

from entrypoints.formats.choosing import NotAcceptable, chosen
from entrypoints.formats.table import FORMATS, Format

__all__ = ["FORMATS", "Format", "NotAcceptable", "chosen"]

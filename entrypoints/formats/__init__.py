"""A connection in the words of whoever uses it."""

from entrypoints.formats.choosing import NotAcceptable, chosen
from entrypoints.formats.table import FORMATS, Format, NotExpressible

__all__ = ["FORMATS", "Format", "NotAcceptable", "NotExpressible", "chosen"]

"""Connection formats."""

from entrypoints.formats.choosing import NotAcceptable, chosen
from entrypoints.formats.table import FORMATS, Format, NotExpressible

__all__ = ["FORMATS", "Format", "NotAcceptable", "NotExpressible", "chosen"]

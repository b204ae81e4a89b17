"""Connection formats."""

from entrypoints.formats.catalog import FORMATS, Format, NotExpressible
from entrypoints.formats.negotiation import NotAcceptable, chosen

__all__ = ["FORMATS", "Format", "NotAcceptable", "NotExpressible", "chosen"]

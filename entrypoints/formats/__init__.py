"""Connection formats."""

from entrypoints.formats.catalog import FORMATS, Format, NotExpressible
from entrypoints.formats.negotiation import NotAcceptable, choose_format, prefers_html

__all__ = [
    "FORMATS",
    "Format",
    "NotAcceptable",
    "NotExpressible",
    "choose_format",
    "prefers_html",
]

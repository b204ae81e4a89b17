"""Connection formats."""

from entrypoints.formats.catalog import FORMATS, Format, NotExpressible
from entrypoints.formats.negotiation import NotAcceptable, choose_format, prefers_html
from entrypoints.formats.parsing import parse_members

__all__ = [
    "FORMATS",
    "Format",
    "NotAcceptable",
    "NotExpressible",
    "choose_format",
    "parse_members",
    "prefers_html",
]

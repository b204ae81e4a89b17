"""The choice of a format, by its name or by the Accept header (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Mapping, Sequence
from urllib.request import parse_http_list

from domain.errors import InvalidRequest, PgvendError
from entrypoints.formats.catalog import FORMATS, Format

DEFAULT = "json"

BY_MEDIA_TYPE: Mapping[str, Format] = {
    FORMATS[name].media_type: FORMATS[name] for name in (DEFAULT, "uri", "k8s-secret")
}
"""Formats that `Accept` can select, preferred first; others are selected by name alone."""

_WEIGHT = re.compile(r"[01]\.?|[01]?\.[0-9]{1,9}")

MediaRange = tuple[str, float]
"""A media type or range, and its weight from 0 (not acceptable) to 1."""


class NotAcceptable(PgvendError):
    """No format has an accepted media type."""

    code = "not_acceptable"


def choose_format(name: str | None, accept: str | None) -> Format:
    """Return the format of that name; without a name, the one that the Accept header prefers;
    without both, JSON.

    Raises InvalidRequest if the name is unknown, NotAcceptable if no format is accepted.
    """
    if name is not None:
        return _find_format(name)
    if accept is None or not accept.strip():
        return FORMATS[DEFAULT]
    accepted = _parse_accept(accept)
    best = max(BY_MEDIA_TYPE, key=lambda media_type: _find_weight(media_type, accepted))
    if not _find_weight(best, accepted):
        raise NotAcceptable(f"Accept {', '.join(BY_MEDIA_TYPE)}, or set ?format= instead.")
    return BY_MEDIA_TYPE[best]


def prefers_html(accept: str) -> bool:
    """Return whether the Accept header prefers HTML to JSON, as those of browsers do."""
    accepted = _parse_accept(accept)
    return _find_weight("text/html", accepted) > _find_weight("application/json", accepted)


def _parse_accept(accept: str) -> Sequence[MediaRange]:
    return [_parse_media_range(element) for element in parse_http_list(accept)]


def _find_format(name: str) -> Format:
    try:
        return FORMATS[name]
    except KeyError:
        raise InvalidRequest(
            f"{name[:63]!r} is not a format; use one of {', '.join(FORMATS)}."
        ) from None


def _parse_media_range(element: str) -> MediaRange:
    """Parse one element of the header. Parameters other than the weight are ignored, because no
    format is distinguished by them."""
    media_type, *parameters = (part.strip().lower() for part in element.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    weight = next((value for name, _, value in pairs if name == "q"), "")
    return media_type, min(1.0, float(weight)) if _WEIGHT.fullmatch(weight) else 1.0


def _find_weight(media_type: str, accepted: Sequence[MediaRange]) -> float:
    """Return the weight of the most specific range that matches the media type."""
    major = media_type.partition("/")[0]
    for range_ in (media_type, f"{major}/*", "*/*"):
        if weights := [weight for each, weight in accepted if each == range_]:
            return max(weights)
    return 0.0

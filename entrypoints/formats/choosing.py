"""Which format is meant: by its name, or by what is accepted (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Mapping, Sequence
from urllib.request import parse_http_list

from domain.errors import InvalidRequest, PgvendError
from entrypoints.formats.table import FORMATS, Format

DEFAULT = "json"

BY_MEDIA_TYPE: Mapping[str, Format] = {
    FORMATS[name].media_type: FORMATS[name] for name in (DEFAULT, "uri", "k8s-secret")
}
"""What `Accept` can ask for, the one that is rather given first; the others go by name alone."""

_WEIGHT = re.compile(r"[01]\.?|[01]?\.[0-9]{1,9}")

Accepted = tuple[str, float]
"""A media type, or a range of them, and how much it is wanted: from 0, not at all, to 1."""


class NotAcceptable(PgvendError):
    """What is accepted is nothing that a connection can be written as."""

    code = "not_acceptable"


def chosen(name: str | None, accept: str | None) -> Format:
    """What `?format=` names; without that, what an Accept header wants most; without both, JSON.

    Raises InvalidRequest for an unknown name, NotAcceptable when nothing of ours is accepted.
    """
    if name is not None:
        return _named(name)
    if accept is None or not accept.strip():
        return FORMATS[DEFAULT]
    accepted = [_accepted(element) for element in parse_http_list(accept)]
    best = max(BY_MEDIA_TYPE, key=lambda media_type: _wanted(media_type, accepted))
    if not _wanted(best, accepted):
        raise NotAcceptable(f"Accept {', '.join(BY_MEDIA_TYPE)}, or name a ?format= instead.")
    return BY_MEDIA_TYPE[best]


def _named(name: str) -> Format:
    try:
        return FORMATS[name]
    except KeyError:
        raise InvalidRequest(
            f"{name[:63]!r} is no format; there are {', '.join(FORMATS)}."
        ) from None


def _accepted(element: str) -> Accepted:
    """One element of the header. Parameters other than the weight are passed over: there are no
    two kinds of any of our media types."""
    media_type, *parameters = (part.strip().lower() for part in element.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    weight = next((value for name, _, value in pairs if name == "q"), "")
    return media_type, min(1.0, float(weight)) if _WEIGHT.fullmatch(weight) else 1.0


def _wanted(media_type: str, accepted: Sequence[Accepted]) -> float:
    """What the most specific range that it fits says of it."""
    major = media_type.partition("/")[0]
    for fitting in (media_type, f"{major}/*", "*/*"):
        if weights := [weight for range_, weight in accepted if range_ == fitting]:
            return max(weights)
    return 0.0

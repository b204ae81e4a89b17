"""Labels: key-value pairs by which callers find their databases."""

import re
from collections.abc import Mapping

from domain.errors import InvalidLabels

MAX_LABELS = 32

KEY_PATTERN = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?")
VALUE_PATTERN = re.compile(r"[a-zA-Z0-9._/@+-]{0,63}")


def validate_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of `labels`. Raises InvalidLabels, with the label that is not valid."""
    if len(labels) > MAX_LABELS:
        raise InvalidLabels(f"{len(labels)} labels are too many; use at most {MAX_LABELS}.")
    for key, value in labels.items():
        if not KEY_PATTERN.fullmatch(key) or not VALUE_PATTERN.fullmatch(value):
            raise InvalidLabels(
                f"The label {key[:63]!r} is not allowed: keys have 1 to 63 letters, digits and "
                "._/- and begin and end with a letter or digit; values have up to 63 letters, "
                "digits and ._/@+-"
            )
    return dict(labels)

"""Settings of monitoring."""

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field

_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")

EXAMPLE = "127.0.0.1:9187"


class ListenAddress(NamedTuple):
    host: str
    port: int


def _parse_address(text: Any) -> Any:
    """Parse `127.0.0.1:9187` or `[::1]:9187`. Raises ValueError."""
    if not isinstance(text, str):
        return text
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[3]) > 65535:
        raise ValueError(f"{text[:63]!r} is not an address with a port")
    return ListenAddress(match[1] or match[2], int(match[3]))


class MonitoringSettings(BaseModel):
    """Settings of monitoring."""

    metrics_listen: Annotated[ListenAddress | None, BeforeValidator(_parse_address)] = Field(
        None,
        validation_alias="PGVEND_METRICS_LISTEN",
        description=f"an address and a port for metrics without a key, such as {EXAMPLE}",
    )

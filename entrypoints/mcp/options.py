"""Options of the MCP server."""

from dataclasses import dataclass

DEFAULT_TTL = "24h"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """What agents may do, within the scopes of their keys. `default_ttl` is the lifetime of
    databases that they create or restore without one."""

    is_read_only: bool = False
    allows_deletion: bool = False
    default_ttl: str = DEFAULT_TTL


NO_OPTIONS = AgentOptions()

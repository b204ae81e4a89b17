"""The MCP server, used by the official client."""

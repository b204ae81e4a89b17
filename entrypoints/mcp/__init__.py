"""The MCP server: pgvend's HTTP API as tools for AI agents. It needs the package `mcp`."""

"""`pgvend mcp`."""

from typing import Annotated

import typer

from entrypoints.cli.client import load_settings
from entrypoints.cli.errors import ExitStatus, RequestError, report_errors

HttpPort = Annotated[
    int | None,
    typer.Option(
        "--http",
        metavar="PORT",
        min=0,
        max=65535,
        help="Serve over HTTP at this port, under /mcp, each request with the key that it has.",
    ),
]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="The address at which --http listens.")]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host",
        metavar="NAME",
        help="Another name by which clients reach --http, such as a proxy's; can be repeated.",
    ),
]
ReadOnly = Annotated[
    bool, typer.Option("--read-only", help="Only tools that read; they reveal no passwords.")
]
AllowDelete = Annotated[
    bool, typer.Option("--allow-delete", help="Add the tool that deletes databases.")
]
DefaultTtl = Annotated[
    str,
    typer.Option(
        metavar="TTL", help="The time until databases expire that agents create without one."
    ),
]


def mcp(
    http: HttpPort = None,
    host: Host = "127.0.0.1",
    allow_host: AllowedHosts = None,
    read_only: ReadOnly = False,
    allow_delete: AllowDelete = False,
    ttl: DefaultTtl = "24h",
) -> None:
    """Serve the API as tools for AI agents (Model Context Protocol).

    Without --http, it serves one client over standard input and output, with your key. An agent
    gets the tools that the scopes of the key allow.
    """
    with report_errors():
        if read_only and allow_delete:
            raise RequestError(
                "--read-only and --allow-delete exclude each other: use one.", ExitStatus.USAGE
            )
        if http is None and (host != "127.0.0.1" or allow_host):
            raise RequestError("--host and --allow-host need --http PORT.", ExitStatus.USAGE)
        settings = load_settings()
        _check_installed()
        from entrypoints.cli.run_mcp import run_mcp  # noqa: PLC0415 - it loads slowly
        from entrypoints.mcp.http import HttpOptions  # noqa: PLC0415 - it needs the package `mcp`
        from entrypoints.mcp.options import AgentOptions  # noqa: PLC0415 - the same

        agents = AgentOptions(is_read_only=read_only, allows_deletion=allow_delete, default_ttl=ttl)
        names = tuple(allow_host or ())
        place = None if http is None else HttpOptions(host=host, port=http, allowed_hosts=names)
        run_mcp(settings, agents, place)


def _check_installed() -> None:
    """Raises RequestError if the package `mcp` is not installed."""
    from importlib.util import find_spec  # noqa: PLC0415 - only this command needs it

    if find_spec("mcp") is None:
        raise RequestError(
            "pgvend mcp needs the package mcp, which is an extra: run `make setup-mcp`, or "
            "`pip install --require-hashes -r requirements/mcp.txt` in pgvend's environment."
        )

"""`pgvend open`."""

import sys
import webbrowser
from typing import Annotated

import typer

from entrypoints.cli.client import NotPgvend, fetch, load_settings
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_line

Browser = Annotated[bool, typer.Option(help="Open a browser; without one, only print the address.")]


def open_(browser: Browser = True, as_json: AsJson = False) -> None:
    """Open the console in a browser, and print its address, which holds no key."""
    with report_errors():
        address = _find_console()
        if as_json:
            print_json({"url": address})
        else:
            print_line(address)
        if browser and not webbrowser.open(address):
            print("pgvend: no browser was found: open the address in one.", file=sys.stderr)


def _find_console() -> str:
    """Return the address of the console. Raises RequestError if no pgvend serves it."""
    index = fetch("GET").body
    if index.get("name") != "pgvend":
        raise NotPgvend
    return f"{load_settings().address.rstrip('/')}/"

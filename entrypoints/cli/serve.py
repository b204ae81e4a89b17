"""`pgvend serve`."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.errors import report_errors

Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Allow unauthenticated network access; skip the Host check."),
]
TlsCert = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The certificate (PGVEND_TLS_CERT).")
]
TlsKey = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Its private key (PGVEND_TLS_KEY).")
]


def serve(insecure: Insecure = False, tls_cert: TlsCert = None, tls_key: TlsKey = None) -> None:
    """Serve the API over HTTP. Settings come from the environment and .env."""
    with without_garbage_collection():
        from entrypoints.cli.run_service import run_service  # noqa: PLC0415 - `pgvend --help` loads this file

    with report_errors():
        run_service(insecure=insecure, tls_cert=tls_cert, tls_key=tls_key)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Do not look for garbage among objects that stay, such as imported modules: here that takes an
    eighth of the time. Later collections skip these objects too."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

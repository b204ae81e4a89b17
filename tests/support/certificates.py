"""Certificates that tests create with openssl."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.command_line import program, ran

NAMES = "DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True)
class Files:
    """A certificate and its key, as PEM."""

    cert: Path
    key: Path


async def make_certificate(
    folder: Path,
    *more: str,
    name: str = "cert",
    alternatives: str = NAMES,
    signer: Files | None = None,
) -> Files:
    """Create a certificate, self-signed or signed by `signer`; `more` are for `openssl req`."""
    made = Files(folder / f"{name}.pem", folder / f"{name}.key")
    files = ("-out", str(made.cert), "-keyout", str(made.key))
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2")
    names = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}")
    by = ("-CA", str(signer.cert), "-CAkey", str(signer.key)) if signer else ()
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE") if signer else ()
    how = more or ("-nodes",)
    openssl = await ran(program("openssl"), "req", "-x509", *kind, *names, *leaf, *files, *by, *how)
    assert openssl.status == 0, openssl.stderr
    return made

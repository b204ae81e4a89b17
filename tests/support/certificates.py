"""Certificates that tests create with openssl."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.command_line import find_program, run_program

NAMES = "DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate and its key, as PEM."""

    cert: Path
    key: Path


async def make_certificate(
    folder: Path,
    *more: str,
    name: str = "cert",
    alternatives: str = NAMES,
    signer: CertificateFiles | None = None,
) -> CertificateFiles:
    """Create a certificate, self-signed or signed by `signer`; `more` are for `openssl req`."""
    made = CertificateFiles(folder / f"{name}.pem", folder / f"{name}.key")
    files = ("-out", str(made.cert), "-keyout", str(made.key))
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2")
    names = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}")
    by = ("-CA", str(signer.cert), "-CAkey", str(signer.key)) if signer else ()
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE") if signer else ()
    how = more or ("-nodes",)
    openssl = await run_program(
        find_program("openssl"), "req", "-x509", *kind, *names, *leaf, *files, *by, *how
    )
    assert openssl.status == 0, openssl.stderr
    return made

"""Certificates for localhost, each its own authority."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from entrypoints.provider_settings import ProviderName
from entrypoints.settings import Settings
from entrypoints.tls import tls_of
from tests.support.command_line import program, ran


@dataclass(frozen=True)
class Certificate:
    cert: Path
    key: Path

    def trusted(self) -> ssl.SSLContext:
        """As a client that knows it goes by it."""
        return ssl.create_default_context(cafile=self.cert)

    def served(self) -> ssl.SSLContext | None:
        """As the service does."""
        return tls_of(
            Settings(
                _env_file=None,
                provider=ProviderName.MEMORY,
                tls_cert=self.cert,
                tls_key=self.key,
            )
        )


async def certificate_in(folder: Path, *more: str) -> Certificate:
    """A new one; `more` are for `openssl req`."""
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    files = ("-out", str(made.cert), "-keyout", str(made.key))
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2")
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    how = more or ("-nodes",)
    openssl = await ran(program("openssl"), "req", "-x509", *kind, *names, *files, *how)
    assert openssl.status == 0, openssl.stderr
    return made

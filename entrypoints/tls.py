"""TLS of our own, where no proxy in front of us has it."""

import os
import ssl

from domain.errors import StartupError
from entrypoints.settings import Settings

_MEND = (
    "set PGVEND_TLS_CERT to a PEM file of the certificate and those that it stands on, "
    "PGVEND_TLS_KEY to one of its private key without a password, both readable."
)


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """None where callers come by plain HTTP. Raises StartupError when the files do not do."""
    if not (settings.tls_cert and settings.tls_key):
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: "")
    except (OSError, ValueError) as error:  # without a password it would ask the terminal for one
        files = f"{settings.tls_cert} and {settings.tls_key}"
        raise StartupError(f"{files} cannot be used for TLS ({_reason(error)}): {_MEND}") from error
    return context


def _reason(error: Exception) -> str:
    """OpenSSL's own reasons mislead: of a wrong file it says that it is a system library."""
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return "no PEM, a key with a password, or two that do not belong together"
    return os.strerror(error.errno or 0)

"""TLS of the service itself, without a proxy."""

import os
import ssl

from domain.errors import StartupError
from entrypoints.config.settings import Settings

_FIX = (
    "set PGVEND_TLS_CERT to a readable PEM file of the certificate and its intermediate "
    "certificates, PGVEND_TLS_KEY to one of its private key without a password."
)


def create_tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context, or None for plain HTTP. Raises StartupError for invalid files."""
    if not (settings.tls_cert and settings.tls_key):
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: "")
    except (
        OSError,
        ValueError,
    ) as error:  # the empty password prevents a prompt
        files = f"{settings.tls_cert} and {settings.tls_key}"
        raise StartupError(
            f"{files} cannot be used for TLS ({_describe_error(error)}): {_FIX}"
        ) from error
    return context


def _describe_error(error: Exception) -> str:
    """Return a reason; OpenSSL's own ones mislead, such as `system library` for an invalid file."""
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return "not PEM, a key with a password, or a key of another certificate"
    return os.strerror(error.errno or 0)

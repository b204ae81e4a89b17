"""TLS of a session, in libpq's terms."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from domain.errors import StartupError

VERIFYING_MODES = {"verify-ca", "verify-full"}

SYSTEM_AUTHORITIES = "system"
"""The value of `sslrootcert` that selects the operating system's trusted authorities."""


@dataclass(frozen=True, kw_only=True)
class Tls:
    """The encryption of a session and the certificates that it verifies.

    `mode` is `disable`, `require`, `verify-ca` or `verify-full`. `root` holds trusted authorities
    as PEM; without it, the operating system's authorities are used. `parameters` may name a client
    certificate (`sslcert`, `sslkey`, `sslpassword`) and a revocation list (`sslcrl`).
    """

    mode: str
    root: str | None = None
    parameters: Mapping[str, str] | None = None

    def load(self) -> ssl.SSLContext | bool:
        """Load the certificates, and return `argument`. The first call blocks for about 20 ms,
        because the operating system trusts many authorities. Raises OSError and ssl.SSLError for
        invalid files."""
        return self.argument

    @cached_property
    def argument(self) -> ssl.SSLContext | bool:
        """The value of asyncpg's `ssl` argument. Raises OSError and ssl.SSLError for invalid
        files."""
        if self.mode == "disable":
            return False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.mode == "verify-full"
        # like libpq, verify in the mode `require` too if there is a root
        verifies = self.mode in VERIFYING_MODES or self.root is not None
        context.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
        if verifies:
            self._load_authorities(context)
        self._load_client_certificate(context)
        return context

    def _load_authorities(self, context: ssl.SSLContext) -> None:
        if self.root is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cadata=self.root)

    def _load_client_certificate(self, context: ssl.SSLContext) -> None:
        parameters = self.parameters or {}
        if "sslcert" in parameters:
            context.load_cert_chain(
                parameters["sslcert"], parameters.get("sslkey"), parameters.get("sslpassword", "")
            )
        if "sslcrl" in parameters:
            context.load_verify_locations(cafile=parameters["sslcrl"])
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def tls_from_parameters(parameters: Mapping[str, str], setting: str) -> Tls | None:
    """Return the TLS settings in a URL's parameters, or None if they let the server decide.

    Reads files. Raises StartupError, which names the `setting`.
    """
    mode = parameters.get("sslmode", "prefer")
    if mode in {"prefer", "allow"}:
        return None
    try:
        tls = Tls(mode=mode, root=_read_root(parameters.get("sslrootcert")), parameters=parameters)
        tls.load()
    except OSError as error:  # includes ssl.SSLError
        raise StartupError(
            f"A certificate file that {setting} names cannot be used ({error.strerror}): check "
            "sslrootcert, sslcert, sslkey and sslcrl."
        ) from error
    return tls


def _read_root(file: str | None) -> str | None:
    return None if file in {None, "", SYSTEM_AUTHORITIES} else Path(str(file)).read_text("ascii")

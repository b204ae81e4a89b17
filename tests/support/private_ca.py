"""A PostgreSQL server whose certificate a private authority signed."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import CertificateFiles, make_certificate
from tests.support.servers import (
    OperatorsServer,
    operators_server,
    programs_for_version,
    ram_folder,
)

MAJOR = 15

ADDRESS = "IP:127.0.0.1"


@dataclass(frozen=True)
class PrivateCaServer:
    """The server, its certificate authority, and an unrelated authority."""

    server: OperatorsServer
    authority: CertificateFiles
    stranger: CertificateFiles

    def dsn(self, options: str, host: str = "127.0.0.1", database: str = "postgres") -> str:
        dsn = self.server.dsn(database=database).replace("127.0.0.1", host)
        return f"{dsn}?{options.format(ca=self.authority.cert, other=self.stranger.cert)}"


@asynccontextmanager
async def running_private_ca_server(names: str = ADDRESS) -> AsyncIterator[PrivateCaServer]:
    """Run a server whose certificate has those names; by default the address, not `localhost`."""
    with ram_folder() as folder:
        folder.chmod(0o711)
        authority = await make_certificate(folder, name="authority")
        stranger = await make_certificate(folder, name="stranger")
        own = await _create_server_certificate(folder, authority, names)
        files = {"ssl_cert_file": str(own.cert), "ssl_key_file": str(own.key)}
        async with operators_server(MAJOR, ssl="on", **files) as server:
            yield PrivateCaServer(server, authority, stranger)


async def _create_server_certificate(
    folder: Path, authority: CertificateFiles, names: str
) -> CertificateFiles:
    """Create the server's certificate, readable by the system user of the server."""
    own = await make_certificate(folder, name="server", alternatives=names, signer=authority)
    own.cert.chmod(0o644)
    if account := (await programs_for_version(MAJOR)).account:
        os.chown(own.key, account.uid, account.gid)
    return own

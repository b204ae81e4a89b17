"""SCRAM-SHA-256 verifiers (RFC 5803), so that the server never sees a password."""

import asyncio
import hmac
import os
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256

from domain.secrets import Secret

ITERATIONS = 4096
"""PostgreSQL's default; some drivers reject fewer."""

SALT_BYTES = 16


async def create_scram_verifier(password: Secret) -> str:
    """Create the verifier that PostgreSQL stores in `pg_authid` for `password`, which has to be
    ASCII.

    Hashing takes about 6 ms of CPU time and runs in a thread.
    """
    return await asyncio.to_thread(_create_verifier, password.reveal(), os.urandom(SALT_BYTES))


def _create_verifier(password: str, salt: bytes) -> str:
    salted = pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored_key = sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"

"""SCRAM verifiers, checked by an independent implementation of RFC 5802's client."""

import base64
import hmac
import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.scram import ITERATIONS, SALT_BYTES, _create_verifier, create_scram_verifier
from domain.secrets import Secret

FORM = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")

# The exchange of RFC 7677, section 3: user "user", password "pencil".
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
RFC_NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
RFC_MESSAGE = (
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    f"r={RFC_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    f"c=biws,r={RFC_NONCE}"
).encode()
RFC_PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
RFC_SIGNATURE = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def split_verifier(verifier: str) -> tuple[int, bytes, bytes, bytes]:
    """Return iterations, salt, stored key and server key, as PostgreSQL reads them."""
    match = FORM.fullmatch(verifier)
    assert match
    salt, stored_key, server_key = (
        base64.b64decode(match[number], validate=True) for number in (2, 3, 4)
    )
    return int(match[1]), salt, stored_key, server_key


def accepts(verifier: str, message: bytes, proof: bytes) -> bool:
    """Return whether a server with the verifier accepts the client's proof."""
    _, _, stored_key, _ = split_verifier(verifier)
    signature = hmac.digest(stored_key, message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return sha256(client_key).digest() == stored_key


def test_the_verifier_matches_the_rfcs_example() -> None:
    verifier = _create_verifier("pencil", RFC_SALT)
    _, _, _, server_key = split_verifier(verifier)
    assert accepts(verifier, RFC_MESSAGE, RFC_PROOF)
    assert not accepts(_create_verifier("Pencil", RFC_SALT), RFC_MESSAGE, RFC_PROOF)
    assert hmac.digest(server_key, RFC_MESSAGE, "sha256") == RFC_SIGNATURE


async def test_a_verifier_has_postgresqls_form_and_a_new_salt() -> None:
    """PostgreSQL would silently treat any other text as a plain password."""
    iterations, salt, stored_key, server_key = split_verifier(
        await create_scram_verifier(Secret("x"))
    )
    assert iterations == ITERATIONS == 4096
    assert (len(salt), len(stored_key), len(server_key)) == (SALT_BYTES, 32, 32)
    assert salt != split_verifier(await create_scram_verifier(Secret("x")))[1]


@given(st.text("abcXYZ0189-_.~", min_size=8, max_size=24))
def test_a_verifier_does_not_show_its_password(password: str) -> None:
    assert password not in _create_verifier(password, RFC_SALT)


async def test_a_password_beyond_ascii_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        await create_scram_verifier(Secret("pässword"))

"""Settings of the network: address, TLS, proxies and CORS."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, field_validator

from domain.hosts import is_loopback
from entrypoints.config.field_types import HeaderNames, Origins

Network = IPv4Network | IPv6Network


def _parse_networks(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return tuple(_parse_network(part.strip()) for part in text.split(",") if part.strip())


def _parse_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network") from None


Networks = Annotated[tuple[Network, ...], BeforeValidator(_parse_networks)]
TlsCert = Annotated[
    Path | None,
    Field(
        validation_alias="PGVEND_TLS_CERT",
        description="a PEM file of the certificate and its intermediate certificates",
    ),
]
TlsKey = Annotated[
    Path | None,
    Field(
        validate_default=True,
        validation_alias="PGVEND_TLS_KEY",
        description="a PEM file of the certificate's private key, without a password",
    ),
]
TrustedProxies = Annotated[
    Networks,
    Field(
        validation_alias="PGVEND_TRUSTED_PROXIES",
        description="addresses and networks such as 10.0.0.7 or 10.1.0.0/16, comma separated",
    ),
]


class NetworkSettings(BaseModel):
    """Settings of the network."""

    host: str = Field("127.0.0.1", validation_alias="HOST", description="the address to listen on")
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias="PORT",
        description="a port from 1 to 65535, or 0 for any free one",
    )
    tls_cert: TlsCert = None
    tls_key: TlsKey = None
    trusted_proxies: TrustedProxies = ()
    cors_allow_origins: Origins = Field(
        (),
        validation_alias="CORS_ALLOW_ORIGINS",
        description="origins such as https://app.example, comma separated, or * alone",
    )
    cors_allow_headers: HeaderNames = Field(
        (),
        validation_alias="PGVEND_CORS_ALLOW_HEADERS",
        description="names of headers, comma separated, that pages can send in addition to those "
        "of the API and of tracing tools",
    )

    @field_validator("tls_key")
    @classmethod
    def _check_tls_pair(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        """An invalid certificate has been reported before."""
        if "tls_cert" in info.data and (key is None) != (info.data["tls_cert"] is None):
            raise ValueError(
                "missing, and PGVEND_TLS_CERT is set"
                if key is None
                else "PGVEND_TLS_CERT is missing: set both, or neither"
            )
        return key

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

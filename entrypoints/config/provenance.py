"""Origins of variables: `.env` must not decide where a secret of the environment is sent.

The author of the current folder also wrote its `.env`, and the user who runs pgvend there can have
a secret in the environment that is for another address.
"""

from collections.abc import Iterator

from entrypoints.config.environment import ENV_FILE, Variables

SECRETS = frozenset(
    {
        "NEON_API_KEY",
        "PGVEND_ADMIN_KEY",
        "PGVEND_API_KEYS",
        "PGVEND_KEY",
        "PGVEND_POSTGRES_ADMIN_DSN",
        "PGVEND_REGISTRY_URL",
        "PGVEND_SECRET",
        "PGVEND_SECRET_PREVIOUS",
    }
)

ADDRESSES = frozenset(
    {
        "HOST",
        "NEON_API_URL",
        "NEON_HOST",
        "PGVEND_ALLOW_HTTP",  # whether a secret is encrypted on the way
        "PGVEND_EMBEDDED_LISTEN",
        "PGVEND_EMBEDDED_PORT",
        "PGVEND_EMBEDDED_PROGRAMS",  # programs that run with access to the secrets
        "PGVEND_EXPORT_DIR",  # where the contents of databases are written
        "PGVEND_METRICS_LISTEN",
        "PGVEND_POSTGRES_ADMIN_DSN",
        "PGVEND_PROFILE",
        "PGVEND_PUBLIC_HOST",
        "PGVEND_PUBLIC_PORT",
        "PGVEND_REGISTRY_URL",
        "PGVEND_URL",
        "PORT",
    }
)
"""Variables that decide where secrets are sent: servers that pgvend connects to, where it listens,
and the addresses in connections."""


def find_misplaced_addresses(variables: Variables) -> Iterator[str]:
    """Yield an error for each address in `.env` to which a secret of the environment would be
    sent."""
    secrets = sorted(variables.values.keys() & SECRETS - variables.from_file)
    for address in sorted(variables.from_file & ADDRESSES) if secrets else ():
        yield (
            f"{address}: from {ENV_FILE}, while {secrets[0]} is from the environment, and a "
            f"folder's {ENV_FILE} must not decide where that is sent. Set {address} in the "
            f"environment too, or both in {ENV_FILE}."
        )

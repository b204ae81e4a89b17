"""Origins of variables: `.env` may not say where a secret of the environment goes.

The author of the current folder wrote its `.env` too, and the user who runs pgvend there may have a
secret in the environment that is for another place.
"""

from collections.abc import Iterator

from entrypoints.environment import ENV_FILE, Variables

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
        "PGVEND_ALLOW_HTTP",  # how a secret travels
        "PGVEND_EMBEDDED_LISTEN",
        "PGVEND_EMBEDDED_PORT",
        "PGVEND_EMBEDDED_PROGRAMS",  # programs that run beside the secrets
        "PGVEND_POSTGRES_ADMIN_DSN",
        "PGVEND_PUBLIC_HOST",
        "PGVEND_PUBLIC_PORT",
        "PGVEND_REGISTRY_URL",
        "PGVEND_URL",
        "PORT",
    }
)
"""Variables that say where secrets go: to whom pgvend talks, where it listens, what it hands
out."""


def misplaced_addresses(variables: Variables) -> Iterator[str]:
    """Yield what is wrong with each address of `.env` that would go with a secret of the
    environment."""
    secrets = sorted(variables.values.keys() & SECRETS - variables.from_file)
    for address in sorted(variables.from_file & ADDRESSES) if secrets else ():
        yield (
            f"{address}: from {ENV_FILE}, while {secrets[0]} is from the environment, and a "
            f"folder's {ENV_FILE} may not say where that goes. Set {address} in the environment "
            f"too, or both in {ENV_FILE}."
        )

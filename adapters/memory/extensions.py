"""Extensions of databases in memory."""

from domain.extensions import Extension

EXTENSIONS = (
    Extension(name="citext", version="1.8", description="case-insensitive character strings"),
    Extension(name="hstore", version="1.8", description="sets of (key, value) pairs"),
    Extension(name="pg_trgm", version="1.6", description="similarity of texts by trigrams"),
    Extension(name="plpgsql", version="1.0", description="PL/pgSQL procedural language"),
    Extension(name="unaccent", version="1.1", description="text search without accents"),
    Extension(name="vector", version="0.8.6", description="vectors and their indexes"),
)
"""A selection of the bundled server's extensions."""

"""Sessions opened with asyncpg, from explicit settings alone.

No environment variable or file of libpq is read. All adapters that log in to PostgreSQL use this
package.
"""

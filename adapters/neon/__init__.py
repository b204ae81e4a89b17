"""The Neon provider: Neon's HTTP API, and SQL for everything that the API does not offer."""

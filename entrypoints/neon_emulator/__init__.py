"""An emulator of Neon's control plane, with a real PostgreSQL server for each project.

It serves development without an account, tests, and situations that an account cannot produce on
demand: a locked project, a lost response, an exhausted quota. Where Neon's behaviour is unknown, it
is a setting (`behaviour`).

Limits: a project has one branch, nothing is stored beyond the running server, and there is no TLS,
no pooler, no replication and no access to the database `postgres`. A password that SQL changed is
unknown to the API, which reveals the last one that it set itself.
"""

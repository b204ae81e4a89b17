"""A control plane that answers as Neon's does, over real PostgreSQL servers of its own.

For developing without an account, for tests, and for trying what an account does not let one try:
a locked project, an answer that is lost, a quota that is full. Where Neon's behaviour is not known
it is a knob (`behaviour`).

What it is not: a project has one branch, nothing is stored apart from the server that runs, there
is no TLS, no pooler, no replication and no way into the database `postgres`, and a password that
was changed by SQL is not known here: revealing it tells the last one that the API made.
"""

"""The sockets: connections, their limits and deadlines, TLS and shutdown."""

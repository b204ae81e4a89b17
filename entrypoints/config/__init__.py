"""Settings, the data folder, TLS and logging."""

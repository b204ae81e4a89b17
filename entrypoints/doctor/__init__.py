"""The checks of `pgvend doctor` that need no server: settings, folder and secret."""

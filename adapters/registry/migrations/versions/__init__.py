"""Every revision, from the first."""

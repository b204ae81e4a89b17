"""Neon's HTTP API and the control routes of the emulator."""

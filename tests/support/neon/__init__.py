"""Support for the tests of Neon and of its emulator."""

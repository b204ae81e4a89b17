"""What the tests of Neon and of its emulator stand on."""

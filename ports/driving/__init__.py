"""What the outside may ask of us: one use case per file."""

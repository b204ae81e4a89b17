"""How the outside is reached: one folder per thing, each behind a port of `ports/driven`."""

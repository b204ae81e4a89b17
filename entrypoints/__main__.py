"""`python -m entrypoints`, the same as `pgvend`."""

from entrypoints.cli.app import main

if __name__ == "__main__":
    main()

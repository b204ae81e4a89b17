"""`pgvend serve` that also writes the number of its asyncio tasks to the file `tasks`, once in a
while. It runs by its path, in the folder of the service."""

import asyncio
import gc
import sys
from pathlib import Path
from threading import Thread
from time import sleep

from entrypoints.cli.app import main

INTERVAL = 5.0
FILE = Path("tasks")


def count_tasks() -> int:
    return sum(isinstance(each, asyncio.Task) and not each.done() for each in gc.get_objects())


def _write_forever() -> None:
    while True:
        sleep(INTERVAL)
        FILE.write_text(str(count_tasks()))


if __name__ == "__main__":
    Thread(target=_write_forever, daemon=True).start()
    sys.argv = ["pgvend", "serve"]
    main()

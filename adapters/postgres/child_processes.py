"""Child processes that do not outlive pgvend."""

import shutil
import signal
import subprocess
import sys
from functools import cache


@cache
def end_with_parent(number: signal.Signals) -> tuple[str, ...]:
    """Return the beginning of a command line whose program gets the signal when its parent ends,
    even after SIGKILL. Linux alone has it; the line is empty on other systems."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", number.name.removeprefix("SIG"))
    trial = subprocess.run([*prefix, "true"], capture_output=True, check=False)  # noqa: S603
    # util-linux before 2.33 and BusyBox do not have the option
    return prefix if trial.returncode == 0 else ()

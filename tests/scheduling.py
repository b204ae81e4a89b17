"""The distribution of the test files among the processes of a run."""

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped] # has no types

SHARING = (
    "tests/e2e/console/",
    "tests/e2e/test_browser_",
    "tests/e2e/test_bundled_templates.py",
    "tests/e2e/test_command_line.py",
    "tests/e2e/test_documentation_page.py",
    "tests/e2e/test_dump_and_load.py",
    "tests/e2e/test_open_command.py",
    "tests/e2e/test_reuse.py",
    "tests/e2e/test_serving.py",
)
"""The files that use the shared browser or the shared service, which take two seconds each to
start. One process runs them all."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc] # as above
    """Gives each file to one process, and the files of `SHARING` together."""

    def _split_scope(self, nodeid: str) -> str:
        return SHARING[0] if nodeid.startswith(SHARING) else str(super()._split_scope(nodeid))

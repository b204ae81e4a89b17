"""The SQL that `pgvend doctor` prints, for psql to run."""

import pytest

from domain.checkup import Check, Mend, Outcome, Verdict
from entrypoints.cli.doctor import _script

ODD = 'x"\n\\! touch /tmp/own'


@pytest.mark.parametrize(
    "mend", [Mend("SELECT 1;", ODD), Mend(f'REVOKE ALL ON DATABASE "{ODD}" FROM PUBLIC;')]
)
def test_a_name_with_a_line_break_brings_no_command_into_it(mend: Mend) -> None:
    checks = [Check("open databases", Outcome(Verdict.FAIL, "", (mend, Mend("SELECT 2;", "web"))))]

    assert list(_script(checks, by_admin=False)) == [
        "-- open databases",
        "-- left out: a database or role whose name holds control characters",
        '\\connect "web"',
        "SELECT 2;",
    ]

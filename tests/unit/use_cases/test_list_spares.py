"""The levels of spares as a process sees them."""

from domain.spares import SpareLevel
from ports.use_cases.list_spares import ListSpares
from tests.support.spares import another_process, create_pooled


def level(ready: int) -> SpareLevel:
    return SpareLevel(template="default", wanted=2, ready=ready, filling=0)


async def test_nothing_is_ready_before_the_spares_were_compared_with_the_provider() -> None:
    """A process that cannot list its provider's databases claims no spare."""
    started = another_process(await create_pooled(2))
    assert await ListSpares(pool=started.pool)() == [level(0)]

    await started.maintain_spares()()

    assert await ListSpares(pool=started.pool)() == [level(2)]

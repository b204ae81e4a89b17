"""The image, which the first test builds."""

import pytest

from tests.support.containers import Podman, build_image, open_podman


@pytest.fixture(scope="session")
def podman() -> Podman:
    return open_podman()


@pytest.fixture(scope="session")
async def image(podman: Podman) -> str:
    return await build_image(podman)

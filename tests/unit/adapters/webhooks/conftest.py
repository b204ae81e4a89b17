"""A sender that may send to this machine."""

from ipaddress import ip_network

import pytest

from adapters.system.clock import SystemClock
from adapters.webhooks.sender import HttpWebhookSender
from domain.receivers import ReceiverPolicy
from domain.secrets import Secret

SECRET = Secret("whsec_" + "c2VjcmV0" * 5)

LOOPBACK = ReceiverPolicy((ip_network("127.0.0.0/8"),))


@pytest.fixture
def sender() -> HttpWebhookSender:
    return HttpWebhookSender(LOOPBACK, SystemClock())

"""What cannot be an address is refused at once, before Dask tries it."""

import socket

import pytest

from longstride.pipeline.scheduler_address import check_address
from tests.helpers.errors import raises


@pytest.mark.parametrize(
    "address",
    [
        "",
        "foo",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:port",
        "tcp:/127.0.0.1:8786",
        "http://127.0.0.1:8786",
        "tls://127.0.0.1:8786",
        "inproc://a",
        "scheduler.json",
    ],
)
def test_what_cannot_be_an_address_is_refused(address: str) -> None:
    with raises("option-value", repr(address), "tcp://host:8786"):
        check_address(address)


def test_a_name_that_leads_nowhere_is_told() -> None:
    with raises("workers-unreachable", "no-such-host.invalid"):
        check_address("tcp://no-such-host.invalid:8786")


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:8786",
        "127.0.0.1:8786",
        "ws://127.0.0.1:8786",
        "tcp://localhost:1/",
        "inproc://1.2.3.4/5/6",
    ],
)
def test_what_can_be_one_is_not(address: str) -> None:
    check_address(address)


@pytest.mark.skipif(not socket.has_ipv6, reason="the system has no IPv6")
def test_an_address_of_ipv6() -> None:
    check_address("tcp://[::1]:8786")

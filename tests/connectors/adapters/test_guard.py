"""Which addresses connectors may reach: every spelling of a forbidden one is refused, and a name is judged once."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from connectors.adapters.guard import AddressRefused, NameUnknown, dial, guard, places_of, spelled
from connectors.adapters.outside import Outside

CLOSED = Outside()
OPEN = Outside(loopback_allowed=True)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "169.254.0.23", "100.100.100.200", "168.63.129.16", "fe80::1", "fd00:ec2::254",
        "::ffff:169.254.169.254", "[::ffff:a9fe:a9fe]", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254",
        "224.0.0.1", "ff02::1", "0.0.0.0", "::", "255.255.255.255", "240.0.0.1", "192.0.2.1",
    ],
)  # fmt: skip
def test_what_is_no_department_is_never_reached(host: str) -> None:
    """Link-local, metadata, multicast, unspecified and reserved addresses are refused in every wrapping."""
    with pytest.raises(AddressRefused, match="不允许连接"):
        guard(host, 443, OPEN)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "1.2.3.4.5", "256.1.1.1",
        "fe80::1%eth0", "a b", "", "evil.com/x", "user@host", "host:80", "exa\r\nmple", "-x", "a" * 64 + "..b",
        "0x", "1.2.3.08",
    ],
)  # fmt: skip
def test_odd_spellings_are_refused(host: str) -> None:
    """What programs read in different ways is refused before anybody reads it."""
    with pytest.raises(AddressRefused):
        guard(host, 443, OPEN)


def test_full_width_digits_are_the_address_they_look_like() -> None:
    """Digits of other scripts are read as what they resolve to, and judged as that."""
    assert spelled("127。0。0。1") == "127.0.0.1"
    assert spelled("①②⑦.⓪.⓪.①") == "127.0.0.1"
    assert spelled("政务.example").startswith("xn--")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
def test_this_machine_only_when_allowed(host: str) -> None:
    """Loopback by number or by name needs the permission of whoever starts the program."""
    with pytest.raises(AddressRefused, match="本机"):
        guard(host, 443, CLOSED)
    assert guard(host, 443, OPEN)


@pytest.mark.parametrize("host", ["10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.1.1", "fd12::1"])
def test_private_ranges_can_be_closed(host: str) -> None:
    """The government network is open by default, and can be closed."""
    assert guard(host, 443, CLOSED) == [host]
    with pytest.raises(AddressRefused, match="内网"):
        guard(host, 443, Outside(private_allowed=False))


def test_the_hubs_own_parts_are_closed() -> None:
    """An address and port of the hub itself is refused; other ports of that machine are not."""
    outside = Outside(closed=frozenset({("10.0.0.5", 9092)}))
    with pytest.raises(AddressRefused, match="平台自身"):
        guard("10.0.0.5", 9092, outside)
    with pytest.raises(AddressRefused, match="平台自身"):
        guard("::ffff:10.0.0.5", 9092, outside)
    assert guard("10.0.0.5", 443, outside) == ["10.0.0.5"]


def test_the_parts_are_read_from_their_addresses() -> None:
    """Addresses with and without a scheme give what they stand for now; what is unknown now closes nothing."""
    written = (
        "postgresql+psycopg://u:p@127.0.0.1:5433/hub",
        "10.0.0.7:9092",
        "http://10.0.0.8",
        "nobody.invalid:1",
        "x",
    )
    assert places_of(*written) == {("127.0.0.1", 5433), ("10.0.0.7", 9092), ("10.0.0.8", 80)}
    assert ("127.0.0.1", 9000) in places_of("localhost:9000")


def test_ports_are_ports() -> None:
    """0 and what is beyond 65535 are no ports."""
    for port in (0, 65_536, -1):
        with pytest.raises(AddressRefused, match="端口"):
            guard("10.0.0.1", port, OPEN)


def test_one_forbidden_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for a good and a forbidden address is refused, and the sentence names the address."""
    answers(monkeypatch, ["93.184.216.34", "169.254.169.254"])
    with pytest.raises(AddressRefused, match=r"system\.example（169\.254\.169\.254）"):
        guard("system.example", 80, OPEN)


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    """An unknown name is an outage with advice, not a refusal for good."""
    with pytest.raises(NameUnknown, match="DNS"):
        guard("nobody.invalid", 80, OPEN)


def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that changes its answer after it was judged (DNS rebinding) is not asked again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asked = answers(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        with dial("rebinding.example", port, OPEN, 2) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)
        assert asked == ["rebinding.example"]


def answers(monkeypatch: pytest.MonkeyPatch, *turns: list[str]) -> list[str]:
    """The resolver gives these addresses for names, turn by turn; returns what it was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *rest, **more)
        asked.append(host)
        turn = turns[min(len(asked), len(turns)) - 1]
        return [found for one in turn for found in real(one, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked

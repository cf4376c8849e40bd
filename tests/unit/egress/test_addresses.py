"""Only addresses that anybody on the internet would reach are public, in whatever clothes they come."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.egress.addresses import is_public, parse_address, within

INSIDE = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:0:102:304::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::"),
    *("2002:c0a8:101::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1%1", "fec0::1", "ff02::1"),
)
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"),
)


@pytest.mark.parametrize("text", INSIDE)
def test_what_is_inside_is_not_public(text: str) -> None:
    assert not is_public(parse_address(text))
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_anybody_reaches_is_public(text: str) -> None:
    assert is_public(parse_address(text))


@given(st.ip_addresses(v=4))
def test_no_clothes_make_an_inside_address_public(inner: IPv4Address) -> None:
    number = int(inner)
    mapped = IPv6Address(0xFFFF << 32 | number)
    translated = IPv6Address(0x64FF9B << 96 | number)
    tunnelled = IPv6Address(0x2002 << 112 | number << 80)
    for dressed in (mapped, translated, tunnelled):
        assert is_public(parse_address(str(dressed))) == is_public(inner)


def test_a_mapped_address_lies_in_the_network_of_what_it_is() -> None:
    networks = (ip_network("127.0.0.9"), ip_network("fd00::/8"))
    assert within(parse_address("::ffff:127.0.0.9"), networks)
    assert within(parse_address("fd12::1"), networks)
    assert not within(parse_address("127.0.0.1"), networks)

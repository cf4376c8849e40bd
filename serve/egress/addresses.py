"""Which addresses are public. Everything else is somebody's inside: ours, the host's, the cloud's.

The lists are the IANA special-purpose registries (RFC 6890) where `ipaddress` of the Python in use is behind them.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

__all__ = ["Address", "Network", "is_public", "parse_address", "within"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            # Azure's host agent answers on an address that looks like anybody's.
            "168.63.129.16/32",
            "::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/9",
            "ff00::/8",
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


def parse_address(text: str) -> Address:
    """An address as the resolver writes it. One of IPv4 in the clothes of IPv6 becomes what it is.

    Raises:
        ValueError: it is none.
    """
    address = ip_address(text)
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_public(address: Address) -> bool:
    """Whether anybody on the internet would reach the same host by this address, hidden IPv4 addresses included."""
    if within(address, _NOT_PUBLIC) or address.is_private or address.is_multicast:
        return False
    return all(is_public(hidden) for hidden in _hidden(address))


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether the address lies in one of these networks."""
    return any(address.version == network.version and address in network for network in networks)


def _hidden(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses to which a translator or a tunnel would carry what is sent to this one."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)

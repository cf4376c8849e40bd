"""Which addresses are public. Everything else is somebody's inside: ours, the host's, the cloud's."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from cluster.deploy.special_networks import NOT_PUBLIC

__all__ = ["Address", "Network", "is_public", "parse_address", "within"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

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
    if within(address, NOT_PUBLIC) or address.is_private or address.is_multicast:
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

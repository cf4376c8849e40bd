"""Where the installation keeps its data must be on the list of subprocessors, unless it is the operator's own."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from cluster.privacy import recipients
from cluster.privacy.recipients import Register, Role
from cluster.settings import Settings, SettingsError

__all__ = ["check", "unlisted"]

_OWN: Final = (".internal", ".local", ".localdomain", ".svc", ".cluster.local")
"""Ends of names that the public name service does not know."""


def check(settings: Settings) -> None:
    """Hold the settings against the register, in production.

    Raises:
        SettingsError: data would lie with somebody who is not listed, or the register is not complete.
    """
    register = recipients.load(settings)
    strangers = unlisted(settings, register) if settings.profile == "production" else []
    if strangers:
        raise SettingsError(
            "Data would lie on hosts of nobody who is listed as infrastructure in use: "
            f"{', '.join(strangers)}. Name them in recipients.in_use, with the region, and in configs/recipients.yaml."
        )


def unlisted(settings: Settings, register: Register) -> list[str]:
    """The settings that name a public host which belongs to no infrastructure in use."""
    used = [one for one in register.recipients.values() if one.role is Role.INFRASTRUCTURE and one.use]
    listed = {one.region.host for one in used if one.region}
    return [name for name, host in _hosts(settings).items() if not _is_own(host) and host not in listed]


def _hosts(settings: Settings) -> dict[str, str]:
    """The hosts that data lie on, by the setting that names them."""
    objects, hosts = settings.objects, {}
    if objects.url and urlsplit(objects.url).scheme == "s3":
        region = objects.s3_region or "us-east-1"
        endpoint = objects.s3_endpoint or f"https://s3.{region}.amazonaws.com"
        hosts["objects.s3_endpoint" if objects.s3_endpoint else "objects.url"] = urlsplit(endpoint).hostname or endpoint
    if settings.database.url:
        hosts["database.url"] = urlsplit(settings.database.url).hostname or "localhost"
    return hosts


def _is_own(host: str) -> bool:
    """Whether a host is the operator's: a private address, or a name that nobody else could resolve."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_OWN)

"""Whether a recipient could be used now: papers, credentials, address, certificate, key. No content is sent."""

from datetime import date

from cluster.privacy.obstacles import Profile, obstacle
from cluster.privacy.recipients import Recipient
from serve.egress.wire import RecipientLine
from serve.recipients.adapter import Adapter
from serve.recipients.failures import ProviderFailed
from serve.recipients.wire import LostOnTheWay, NotSent

__all__ = ["READY", "check"]

READY = "ready"


async def check(
    entry: Recipient, adapter: Adapter | None, line: RecipientLine, today: date, profile: Profile
) -> dict[str, str]:
    """By model of the recipient: `ready`, or the code of what stands in the way."""
    found = {name: obstacle(entry, name, today=today, profile=profile) for name in entry.models}
    answered = await _answered(adapter, line) if any(one is None for one in found.values()) else READY
    return {name: one.code.value if one else answered for name, one in found.items()}


async def _answered(adapter: Adapter | None, line: RecipientLine) -> str:
    if adapter is None:
        return "credential_missing"
    try:
        await adapter.check(line)
    except ProviderFailed as failure:
        return failure.code.value
    except (NotSent, LostOnTheWay):
        return "unreachable"
    return READY

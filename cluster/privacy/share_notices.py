"""The notices of sharing, one for each third party in use, made from the register so that nothing is said twice.

The version of such a notice is a digest of what it says: any change of the register's facts asks everybody again.
"""

import hashlib
import json
from typing import Final

from cluster.privacy.notices import Notice
from cluster.privacy.recipients import Fate, Recipient, Register, Shared

__all__ = ["DATA", "copies", "share_notice", "share_notices", "training"]

DATA: Final = {
    Shared.PHOTO: "the photo, encoded anew and without its metadata",
    Shared.PROMPT: "the words of your prompt",
    Shared.SETTINGS: "the settings of the video, and technical details of the file",
}

_NEVER: Final = (
    "They do not get your name, your e-mail address, your account, your address on the internet, anything you made "
    "before, or anything that was derived from a face. Each photo is sent under a random number of its own."
)
_FREE: Final = (
    "You need not agree. The model `default` makes videos on our own machines and shares nothing with anybody; your "
    "account, your library, prices and places in the queue are the same whatever you answer."
)
_BACK: Final = "Withdraw at any time with POST /v1/consents"


def share_notices(register: Register) -> dict[str, Notice]:
    """The notices of those that are in use, by purpose; nobody is asked about the others."""
    return {one.share: share_notice(one) for one in register.providers() if one.use}


def share_notice(recipient: Recipient) -> Notice:
    """What somebody is told before anything of theirs goes to this recipient."""
    data = tuple(DATA[one] for one in recipient.data)
    said = {
        "purpose": recipient.share,
        "title": f"Sending your photo to {recipient.called}",
        "data": data,
        "recipient": recipient.company,
        "country": recipient.country,
        "how": f"{recipient.purpose} {training(recipient)} {copies(recipient)} {_BACK}; nothing more is sent then.",
        "text": _text(recipient, data),
    }
    version = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]
    return Notice.model_validate(said | {"version": version})


def _text(recipient: Recipient, data: tuple[str, ...]) -> str:
    papers = recipient.use.agreement if recipient.use else None
    rests = f" The transfer rests on {papers.mechanism}." if papers and papers.mechanism else ""
    shown = f" {papers.exception.shown}" if papers and papers.exception else ""
    return "\n\n".join([
        f"If you agree, and then choose a model of {recipient.called}, we send this to {recipient.company} "
        f"({recipient.country}), and to nobody else: {'; '.join(data)}.",
        f"What for: {recipient.purpose}{rests}",
        _NEVER,
        f"{training(recipient)} {copies(recipient)}{shown}",
        f"{_BACK}, under Settings → Privacy in any app, or by writing to us. Within seconds nothing more is sent, and "
        f"videos that wait for {recipient.called} are stopped. Send photos of people only if they agree to it.",
        _FREE,
    ])  # fmt: skip


def training(recipient: Recipient) -> str:
    """What the recipient may not do with it."""
    return (
        f"{recipient.called} may use it for this video alone: not to train models, not to advertise and not to "
        "learn about you."
    )


def copies(recipient: Recipient) -> str:
    """How long the recipient has it, and what nobody can delete there."""
    days = recipient.last_copy_days
    until = (
        f"After {days} day{'s' if days != 1 else ''} at the latest they have nothing of it any more." if days else ""
    )
    if recipient.copies.fate is Fate.EXPIRES:
        stays = _and(recipient.copies.cannot_be_deleted)
        until = f"We cannot have deleted there before that: {stays}. {until}"
    return f"{recipient.copies.how} {until}".strip()


def _and(things: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(things[:-1]), things[-1]]))

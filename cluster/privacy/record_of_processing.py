"""The record of processing activities (GDPR, Article 30), made from data map, register and policy."""

from pydantic import BaseModel, ConfigDict

from cluster.privacy.policy import CategoryShown, Policy, SurvivorShown
from cluster.privacy.recipients import Register

__all__ = ["RecordOfProcessing", "as_markdown", "record_of"]

_NO_TRANSFERS = "None. Data go to a third party only by a consent that names recipient and country; see GET /v1/models."


class RecordOfProcessing(BaseModel):
    """Everything that Article 30(1) asks of a controller."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    policy_version: str
    policy_hash: str
    controller: str
    contact: str
    activities: tuple[CategoryShown, ...]
    transfers: str
    kept_after_erasure: tuple[SurvivorShown, ...]
    security_measures: tuple[str, ...]


def record_of(policy: Policy, register: Register) -> RecordOfProcessing:
    """The record that belongs to a published policy and to the recipients in use."""
    return RecordOfProcessing(
        policy_version=policy.version,
        policy_hash=policy.hash,
        controller=policy.operator,
        contact=policy.contact,
        activities=policy.categories,
        transfers=_transfers(register) or _NO_TRANSFERS,
        kept_after_erasure=policy.survivors,
        security_measures=policy.section("security").points,
    )


def _transfers(register: Register) -> str:
    """To whom, where and on which ground, of each third party that this installation uses."""
    return " ".join(
        f"{one.company} ({one.country}), {one.role.value.replace('_', ' ')}: "
        f"{one.use.agreement.mechanism or 'nothing that a transfer could rest on, so that there is none'}."
        for one in register.recipients.values()
        if one.use
    )


def as_markdown(record: RecordOfProcessing) -> str:
    """The record as a page of `docs/`."""
    return "\n".join(
        [
            "# Record of processing activities",
            "",
            "Made by `i2v data-map --record` from the data map, register and policy in `configs/` with the default",
            "settings; do not edit. `GET /v1/staff/record-of-processing` answers that of a running installation.",
            "",
            f"- Controller: {record.controller} (`operator.name`)",
            f"- Contact: {record.contact} (`operator.contact`)",
            f"- Policy: {record.policy_version}, `{record.policy_hash}`",
            f"- Transfers to third countries: {record.transfers}",
            "",
            *(line for activity in record.activities for line in _activity(activity)),
            "## What is left after an erasure",
            "",
            *(f"- {survivor.reason}" for survivor in record.kept_after_erasure),
            "",
            "## Security measures",
            "",
            *(f"- {measure}" for measure in record.security_measures),
            "",
        ]
    )


def _activity(activity: CategoryShown) -> list[str]:
    rows = {
        "data": activity.what,
        "people": "; ".join(activity.people),
        "purposes": "; ".join(activity.purposes),
        "legal basis": activity.legal_basis,
        "kept": f"{activity.kept}. {activity.until}",
        "recipients": "; ".join(activity.recipients),
        "place": activity.region,
        "rights": ", ".join(activity.rights),
    }
    return [f"## {activity.title}", "", "| | |", "|---|---|", *(f"| {key} | {row} |" for key, row in rows.items()), ""]

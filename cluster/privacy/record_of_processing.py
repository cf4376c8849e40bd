"""The record of processing activities (GDPR, Article 30), made from the data map and the policy, never written."""

from pydantic import BaseModel, ConfigDict

from cluster.privacy.policy import CategoryShown, Policy, SurvivorShown

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


def record_of(policy: Policy) -> RecordOfProcessing:
    """The record that belongs to a published policy."""
    return RecordOfProcessing(
        policy_version=policy.version,
        policy_hash=policy.hash,
        controller=policy.operator,
        contact=policy.contact,
        activities=policy.categories,
        transfers=_NO_TRANSFERS,
        kept_after_erasure=policy.survivors,
        security_measures=policy.section("security").points,
    )


def as_markdown(record: RecordOfProcessing) -> str:
    """The record as a page of `docs/`."""
    return "\n".join(
        [
            "# Record of processing activities",
            "",
            "Made by `i2v data-map --record` from `configs/data_map.yaml` and `configs/policy.yaml` with the default",
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

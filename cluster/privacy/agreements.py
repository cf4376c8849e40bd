"""What this installation has agreed with a third party: contract, assessment, transfer, and where it is reached.

None of it is the vendor's to say, so `configs/recipients.yaml` has none of it: the setting `recipients.in_use` does.
"""

from collections.abc import Mapping
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Agreement", "Assessment", "Contract", "RecordedException", "Use"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=())


class Contract(_Entry):
    """The data-processing agreement (GDPR, Article 28)."""

    reference: str = Field(min_length=3)
    expires: date
    no_training: str = Field(min_length=2, description="The clause that forbids training, advertising and profiling.")
    max_retention_days: int = Field(ge=0, description="Days after which it obliges them to hold nothing.")


class Assessment(_Entry):
    """The assessment of the third party and of the law it lives under."""

    reference: str = Field(min_length=3)
    expires: date


class RecordedException(_Entry):
    """Why somebody who keeps copies that nobody can delete is used in production nevertheless, and what is told."""

    reason: str = Field(min_length=20)
    shown: str = Field(min_length=20, description="The sentence that stands in the notice.")


class Agreement(_Entry):
    """The papers. What is missing or over stops everything that goes there."""

    contract: Contract | None = None
    assessment: Assessment | None = None
    mechanism: str | None = Field(
        default=None, min_length=3, description="What the transfer rests on, such as standard contractual clauses."
    )
    exception: RecordedException | None = None


class Use(_Entry):
    """That a third party is used here, and how. ``options`` are not secret.

    ``legal_name``, ``country`` and ``base_url`` are needed where the register leaves it to the operator who that is.
    """

    region: str | None = Field(default=None, description="One of the register's; none: the first.")
    options: Mapping[str, str] = {}
    agreement: Agreement = Agreement()
    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    legal_name: str | None = Field(default=None, min_length=3)
    country: str | None = Field(default=None, min_length=2)
    provider_models: Mapping[str, str] = Field(default={}, description="Other names of models at the provider.")

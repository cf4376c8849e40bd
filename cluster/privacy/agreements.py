"""What this installation has agreed with a third party: contract, assessment, transfer, and where it is reached.

None of it is the vendor's to say, so `configs/recipients.yaml` has none of it: the setting `recipients.in_use` does.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Agreement", "Assessment", "Contract", "RecordedException", "Use"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=())


Clause = Annotated[str, Field(min_length=2)]


class Contract(_Entry):
    """The data-processing agreement (GDPR, Article 28), and where in it each thing is that it has to oblige them to.

    A clause that nobody has named stops everything that goes there.
    """

    reference: str = Field(min_length=3)
    expires: date
    max_retention_days: int = Field(ge=0, description="Days after which it obliges them to hold nothing.")
    no_training: Clause | None = Field(default=None, description="Forbids training, advertising and profiling.")
    equal_protection: Clause | None = Field(default=None, description="Protection no weaker than ours.")
    encryption_at_rest: Clause | None = Field(default=None, description="Whatever they store is encrypted.")
    gdpr: Clause | None = Field(default=None, description="They are a processor as the GDPR, Article 28, has it.")
    ccpa: Clause | None = Field(default=None, description="They are a service provider as the CCPA has it.")


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

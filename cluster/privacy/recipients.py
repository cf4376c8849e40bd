"""The register of recipients: who may receive data, where, which, what for, and what becomes of their copies.

`configs/recipients.yaml` has what is true of a vendor for everybody; the setting `recipients.in_use` has what this
installation agreed with them. Notices, disclosures of models and the list of subprocessors are made from the two.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from cluster.privacy.agreements import Use
from cluster.privacy.forbidden_terms import SALE, mentions
from cluster.privacy.provider_models import ProviderModel
from cluster.privacy.purposes import checked, share_purpose
from cluster.settings import Settings, SettingsError, configs_folder

__all__ = [
    "Budgets",
    "Copies",
    "Fate",
    "NoTraining",
    "Recipient",
    "Region",
    "Register",
    "RegisterError",
    "Role",
    "Shared",
    "load",
    "parse",
]


class RegisterError(SettingsError):
    """The register is not complete; the message names the entry and what is wrong with it."""


class Role(StrEnum):
    """What a third party does for us. One that does both has an entry for each."""

    AI_PROVIDER = "ai_provider"
    INFRASTRUCTURE = "infrastructure"


class Shared(StrEnum):
    """Categories of the data map that can leave at all; the list is closed, and has nothing of who somebody is."""

    PHOTO = "photos"
    PROMPT = "prompts"
    SETTINGS = "jobs"


class Fate(StrEnum):
    """What becomes of a provider's copies once the video has come."""

    DELETED = "deleted"
    NOT_KEPT = "not_kept"
    EXPIRES = "expires"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=())


class Region(_Entry):
    """A place of theirs: the country as people call it, and the only host that is connected to."""

    country: str = Field(min_length=2)
    host: str | None = Field(default=None, pattern=r"^[a-z0-9.-]+$", description="None: the operator names it.")


class NoTraining(_Entry):
    """How training, advertising and profiling are kept off, beside the contract."""

    on_the_wire: str = Field(min_length=10, description="What each request carries, or that the wire has no switch.")


class Copies(_Entry):
    """Their copies: whether we can delete them, how, and what stays how long if we cannot."""

    fate: Fate
    how: str = Field(min_length=10, description="How they end, in a whole sentence for the person shown in them.")
    cannot_be_deleted: tuple[str, ...] = Field(default=(), description="What no call deletes.")
    expire_after_days: int = Field(ge=0, description="Days after which the last copy is gone by itself.")

    @model_validator(mode="after")
    def _says_what_stays(self) -> Self:
        expires = self.fate is Fate.EXPIRES
        if expires != bool(self.cannot_be_deleted) or expires != bool(self.expire_after_days):
            raise ValueError("copies that only expire say what stays and for how many days, and no others do")
        return self


class Budgets(_Entry):
    """How much is sent there at most."""

    concurrent: int = Field(ge=1)
    per_account: int = Field(ge=1)
    per_minute: int = Field(ge=1)


Names = tuple[Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")], ...]


class Recipient(_Entry):
    """One third party in one role. ``use`` is this installation's own part; None: nothing goes there."""

    id: str = Field(pattern=r"^[a-z]+(_[a-z]+)*$")
    name: str = Field(min_length=3, description="As the policy names it.")
    legal_name: str | None = Field(min_length=3, description="None: the operator says who it is.")
    role: Role
    adapter: Literal["wan", "kling", "veo", "openai_videos", "bedrock"] | None = None
    purpose: str = Field(min_length=20, description="What for, in a whole sentence.")
    regions: Mapping[str, Region] = Field(min_length=1, description="The first is meant if none is named.")
    data: tuple[Shared, ...]
    no_training: NoTraining
    copies: Copies
    budgets: Budgets | None = None
    credentials: Names = ()
    options: Mapping[str, str | None] = Field(default={}, description="With defaults; None: has to be given.")
    models: Mapping[str, ProviderModel] = {}
    use: Use | None = None

    @field_validator("id")
    @classmethod
    def _is_no_sale(cls, value: str) -> str:
        checked(share_purpose(value))
        return value

    @field_validator("purpose")
    @classmethod
    def _sells_nothing(cls, value: str) -> str:
        if mentions(value, SALE):
            raise ValueError("data are never given for that")
        return value

    @model_validator(mode="after")
    def _fits_its_role(self) -> Self:
        provider = self.role is Role.AI_PROVIDER
        parts = (self.adapter, self.budgets, self.models, self.data)
        if any(bool(part) != provider for part in parts):
            raise ValueError("an AI provider has an adapter, budgets, models and data; infrastructure has none of them")
        return self

    @model_validator(mode="after")
    def _is_used_as_it_can_be(self) -> Self:
        use = self.use
        if use is None:
            return self
        if self.legal_name is None and not (use.legal_name and use.country and use.base_url):
            raise ValueError("say in recipients.in_use who that is: legal_name, country and base_url")
        if self.legal_name is not None and (use.legal_name or use.country):
            raise ValueError("who that is stands in the register; recipients.in_use cannot say otherwise")
        if unknown := (use.options.keys() - self.options.keys()) | (use.provider_models.keys() - self.models.keys()):
            raise ValueError(f"there are no such options or models: {', '.join(sorted(unknown))}")
        if missing := [name for name, value in self.options.items() if value is None and not use.options.get(name)]:
            raise ValueError(f"these options have no default: {', '.join(missing)}")
        return self

    @property
    def share(self) -> str:
        """The purpose that is asked about."""
        return share_purpose(self.id)

    @property
    def region_name(self) -> str:
        """The region that was chosen, or else the first."""
        return (self.use and self.use.region) or next(iter(self.regions))

    @property
    def region(self) -> Region | None:
        """Where it is reached; None if the region that was chosen is none of its own."""
        return self.regions.get(self.region_name)

    @property
    def country(self) -> str:
        """The country that the data go to."""
        return (self.use and self.use.country) or (self.region.country if self.region else "unknown")

    @property
    def company(self) -> str:
        """The legal name."""
        return self.legal_name or (self.use and self.use.legal_name) or "whom the operator names"

    @property
    def called(self) -> str:
        """What people know it as: the policy's name, or who the operator says it is."""
        return self.name if self.legal_name else self.company

    @property
    def base_url(self) -> str | None:
        """Where requests go; None if nobody has said it."""
        named = self.use and self.use.base_url
        return named or (f"https://{self.region.host}" if self.region and self.region.host else None)

    @property
    def chosen_options(self) -> dict[str, str]:
        """The options with their defaults filled in."""
        given = self.use.options if self.use else {}
        return {name: given.get(name) or value or "" for name, value in self.options.items()}

    @property
    def last_copy_days(self) -> int:
        """Days after which nothing of a task is left there, by the contract or by itself, whichever is later."""
        contract = self.use.agreement.contract if self.use else None
        return max(self.copies.expire_after_days, contract.max_retention_days if contract else 0)

    def provider_model(self, name: str) -> str:
        """The provider's own name of a model."""
        return (self.use and self.use.provider_models.get(name)) or self.models[name].provider_model


class Register(_Entry):
    """All recipients, by id."""

    recipients: Mapping[str, Recipient] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [name for recipient in self.recipients.values() for name in recipient.models]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two recipients have models of one name: {', '.join(sorted(twice))}")
        return self

    def providers(self) -> Iterator[Recipient]:
        """Those that make videos."""
        return (one for one in self.recipients.values() if one.role is Role.AI_PROVIDER)

    def of_model(self, name: str) -> Recipient | None:
        """The one recipient that a model belongs to; no other ever stands in for it."""
        return next((one for one in self.recipients.values() if name in one.models), None)


def parse(source: str, in_use: Mapping[str, object] | None = None) -> Register:
    """Read a register, with what this installation has agreed.

    Raises:
        RegisterError: it is not YAML, an entry lacks what must be said, or nobody of that name is in it.
    """
    used = dict(in_use or {})
    try:
        entries = yaml.safe_load(source)["recipients"]
        recipients = {
            name: {**entry, "id": name} | ({"use": used.pop(name)} if name in used else {})
            for name, entry in entries.items()
        }
        register = Register.model_validate({"recipients": recipients})
    except (yaml.YAMLError, ValidationError, TypeError, KeyError, AttributeError) as error:
        raise RegisterError(f"The register of recipients is not complete: {error}") from None
    if used:
        raise RegisterError("recipients.in_use names somebody who is not in the register, and nobody else gets data.")
    return register


def load(settings: Settings) -> Register:
    """The register of this installation; errors as in `parse`."""
    return parse(_source(), settings.recipients.in_use)


@cache
def _source() -> str:
    return (configs_folder() / "recipients.yaml").read_text(encoding="utf-8")

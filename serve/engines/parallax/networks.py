"""The four networks that the engine holds in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serve.models.depth import FastDepth
from serve.models.inpainting import MiGan
from serve.models.matting import PortraitMatting, SalientMatting


@dataclass(frozen=True)
class Networks:
    """What each one estimates is said where it is defined."""

    depth: FastDepth
    salient_matting: SalientMatting
    portrait_matting: PortraitMatting
    inpainting: MiGan

    @classmethod
    def load(cls, weights: Mapping[str, Path], threads: int = 0) -> "Networks":
        """`weights`: a file for each field's name. Raises KeyError if one is missing."""
        return cls(
            FastDepth(weights["depth"], threads),
            SalientMatting(weights["salient_matting"], threads),
            PortraitMatting(weights["portrait_matting"], threads),
            MiGan(weights["inpainting"], threads),
        )

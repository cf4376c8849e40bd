"""The bounds on pictures, as the media library takes them."""

from cluster.settings import Settings
from serve.media.probe import ImageLimits

__all__ = ["image_limits"]


def image_limits(settings: Settings) -> ImageLimits:
    """The bounds that this installation sets."""
    images = settings.images
    return ImageLimits(max_pixels=images.max_pixels, min_side=images.min_side, max_aspect=images.max_aspect)

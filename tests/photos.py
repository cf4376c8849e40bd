"""Real photos for tests, from the packages that carry them."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image

Photo = NDArray[np.uint8]


def person() -> Photo:
    """A portrait: 512 x 512 x 3."""
    return np.asarray(skimage_data.astronaut())


def building() -> Photo:
    """A temple: 427 x 640 x 3."""
    return np.asarray(load_sample_image("china.jpg"))


def still_life() -> Photo:
    """A cup of coffee: 400 x 600 x 3."""
    return np.asarray(skimage_data.coffee())


def flower() -> Photo:
    """A dahlia from near: 427 x 640 x 3."""
    return np.asarray(load_sample_image("flower.jpg"))


def cat() -> Photo:
    """A cat's face from near: 300 x 451 x 3."""
    return np.asarray(skimage_data.chelsea())


def jpeg(photo: Photo, exif: Image.Exif | None = None) -> bytes:
    """The photo as a camera would send it."""
    stream = BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=95, **({"exif": exif} if exif else {}))
    return stream.getvalue()

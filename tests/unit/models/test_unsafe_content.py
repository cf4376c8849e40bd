"""The unsafe-content score of real, harmless photos; and that it is no constant."""

import numpy as np
import pytest
from skimage import data as skimage_data

from cluster import runtime, settings
from serve.models.store import ModelStore
from serve.models.unsafe_content import UnsafeContentNetwork
from serve.weights import open_weights
from tests.photos import Photo, building, person, still_life


@pytest.fixture(scope="module")
def network() -> UnsafeContentNetwork:
    store = ModelStore(runtime.paths(settings.load()).models)
    return UnsafeContentNetwork(open_weights(store, ["unsafe_content"])["unsafe_content"])


def skin() -> Photo:
    """A smooth shape in the colour of skin, filling the picture: nothing indecent, but much skin."""
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    light = np.clip(1 - 0.6 * (x**2 + y**2), 0, 1)[..., None]
    return (light * np.array([224.0, 172.0, 140.0])).astype(np.uint8)


@pytest.mark.parametrize("photo", [person(), building(), still_life(), np.asarray(skimage_data.chelsea())])
def test_harmless_photos_pass(network: UnsafeContentNetwork, photo: Photo) -> None:
    assert 0 <= network.score(photo) < 0.2


def test_the_score_rises_with_skin(network: UnsafeContentNetwork) -> None:
    assert network.score(skin()) > 10 * network.score(building())

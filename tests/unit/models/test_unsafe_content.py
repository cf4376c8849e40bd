"""The unsafe-content score of real, harmless photos; and that it is no constant."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from cluster import runtime, settings
from serve.catalogue import load
from serve.models.store import ModelStore
from serve.models.unsafe_content import UnsafeContentNetwork
from tests.photos import Photo, building, person, still_life


@pytest.fixture(scope="module")
def network() -> UnsafeContentNetwork:
    """The real one, from the user's own model store; fetched if it is not there yet."""
    store = ModelStore(runtime.paths(settings.load()).models)
    return UnsafeContentNetwork(store.fetch(load().weights["unsafe_content"]), threads=1)


def skin() -> Photo:
    """A smooth shape in the colour of skin, filling the picture: nothing indecent, but much skin."""
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    light = np.clip(1 - 0.6 * (x**2 + y**2), 0, 1)[..., None]
    return np.asarray(light * np.array([224.0, 172.0, 140.0]), np.uint8)


@pytest.mark.parametrize("photo", [person(), building(), still_life(), np.asarray(load_sample_image("flower.jpg"))])
def test_harmless_photos_pass(network: UnsafeContentNetwork, photo: Photo) -> None:
    assert 0 <= network.score(photo) < 0.2


def test_the_score_rises_with_skin(network: UnsafeContentNetwork) -> None:
    assert network.score(skin()) > 10 * network.score(building())


def test_pictures_of_any_size_are_scored_together(network: UnsafeContentNetwork) -> None:
    pictures = [person(), building(), skin()]
    assert network.scores(pictures) == pytest.approx([network.score(picture) for picture in pictures], abs=1e-5)

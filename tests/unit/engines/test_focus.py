"""Background blur: behind the subject and nowhere else, and never in the first frame."""

import numpy as np
import pytest

from serve.engines.parallax.engine import ParallaxClip, ParallaxEngine
from serve.engines.parallax.focus import weights
from serve.engines.parameters import VideoParameters
from tests.unit.engines.conftest import PHOTOS, never, unheeded
from tests.unit.engines.measures import Image, psnr


def clip(engine: ParallaxEngine, **parameters: object) -> ParallaxClip:
    wanted = VideoParameters.model_validate(
        {"camera": "still", "seconds": 2, "fps": 12, "size": "400x256"} | parameters
    )
    return engine.prepare(PHOTOS["person"](), "", wanted, unheeded, never)


def detail(frame: Image, where: np.ndarray) -> float:
    """How much neighbouring pixels differ there."""
    grey = frame.astype(np.float32).mean(axis=2)
    return float((np.abs(np.diff(grey, axis=1, append=grey[:, -1:])))[where].mean())


def test_only_what_is_behind_the_subject_goes_out_of_focus(engine: ParallaxEngine) -> None:
    plain = clip(engine)
    sharp, scene = list(plain.frames()), plain.scene
    plain.blur_behind(0, loop=False)
    assert all(np.array_equal(one, other) for one, other in zip(sharp, plain.frames(), strict=True))
    plain.blur_behind(1, loop=False)
    soft = list(plain.frames())
    subject = scene.layers[-1]
    alpha = np.zeros((scene.height + 2 * scene.margin, scene.width + 2 * scene.margin), np.uint8)
    rows, columns = subject.pixels.shape[:2]
    alpha[subject.top : subject.top + rows, subject.left : subject.left + columns] = subject.pixels[..., 3]
    alpha = alpha[scene.margin : scene.margin + scene.height, scene.margin : scene.margin + scene.width]

    assert detail(soft[-1], alpha == 0) < 0.75 * detail(sharp[-1], alpha == 0)
    assert detail(soft[-1], alpha == 255) > 0.95 * detail(sharp[-1], alpha == 255)


@pytest.mark.parametrize("loop", [False, True])
def test_the_first_frame_is_the_photo_all_the_same(engine: ParallaxEngine, loop: bool) -> None:
    blurred = clip(engine, blur=1, loop=loop)
    frames = list(blurred.frames())

    assert psnr(frames[0], blurred.photo) > 50 > psnr(frames[len(frames) // 2], blurred.photo)
    assert (psnr(frames[-1], blurred.photo) > psnr(frames[len(frames) // 2], blurred.photo)) is loop


@pytest.mark.parametrize("loop", [False, True])
def test_the_focus_moves_gently(loop: bool) -> None:
    shares = np.array(weights(96, 24, loop))

    assert shares[0] == 0
    assert shares.max() == 1
    assert np.abs(np.diff(shares)).max() < 0.1
    assert shares[-1] < 0.02 if loop else shares[-1] == 1

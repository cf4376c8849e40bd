"""Our default model against ffmpeg's `zoompan` on twelve pictures: one contact sheet, and a table in Markdown.

    python -m benchmarks.against_zoompan [--sheet docs/images/against_zoompan.jpg]

Both push in for two seconds. Columns of the sheet: the photo, our last frame, zoompan's last frame. Frame 0 is held
against the photo as it was drawn, and LPIPS once more as it comes out of our encoder, which codes both.
"""

import argparse
from collections.abc import Callable, Mapping
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import av.filter
import cv2
import numpy as np
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image

from benchmarks._lpips import Lpips
from benchmarks.contact_sheets import save
from cluster import clock, runtime, settings
from serve.catalogue import load as load_catalogue
from serve.engines import registry
from serve.engines.parallax.engine import ParallaxClip, crop_to
from serve.engines.parameters import VideoParameters
from serve.media.frames import read_frames
from serve.media.video import encode_mp4
from serve.models.store import ModelStore
from serve.weights import open_weights
from tests.photos import Photo, building, person, still_life
from tests.unit.engines.drawn import DRAWN
from tests.unit.engines.measures import Image, psnr, subject_masks

TILE, PAIRS_IN_A_ROW = (200, 134), 2
FPS, SECONDS = 24, 2
PARAMETERS = VideoParameters(camera="dolly_in", seconds=SECONDS, fps=FPS)
_ZOOMPAN = "z='1+{zoom}*on/{last}':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':d={count}:fps={fps}:s={width}x{height}"


def _grey(name: str) -> Callable[[], Photo]:
    return lambda: np.asarray(cv2.cvtColor(getattr(skimage_data, name)(), cv2.COLOR_GRAY2RGB), np.uint8)


PICTURES: Mapping[str, Callable[[], Photo]] = {
    "person": person,
    "building": building,
    "coffee": still_life,
    "cat": lambda: np.asarray(skimage_data.chelsea()),
    "rocket": lambda: np.asarray(skimage_data.rocket()),
    "flower": lambda: np.asarray(load_sample_image("flower.jpg")),
    "cameraman": _grey("camera"),
    "coins": _grey("coins"),
    "printed page": _grey("page"),
    "screenshot": DRAWN["text"],
    "drawing": DRAWN["line_drawing"],
    "night": DRAWN["night"],
}


def zoompan(photo: Image, zoom: float) -> list[Image]:
    """The frames that ffmpeg's filter makes of `photo`, of its size, growing by `zoom` in all."""
    height, width = photo.shape[:2]
    graph, count = av.filter.Graph(), FPS * SECONDS
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, FPS))
    filling = {"zoom": zoom, "last": count - 1, "count": count, "fps": FPS, "width": width, "height": height}
    moves, to_rgb = graph.add("zoompan", _ZOOMPAN.format(**filling)), graph.add("format", "rgb24")
    graph.link_nodes(source, moves, to_rgb, graph.add("buffersink")).configure()
    still = av.VideoFrame.from_ndarray(photo, format="rgb24")
    still.pts = 0
    graph.push(still)
    return [np.asarray(graph.vpull().to_ndarray(format="rgb24"), np.uint8) for _ in range(count)]


def growth(clip: ParallaxClip) -> float:
    """By how much our nearest layer grows in all, so that both push in as far."""
    return 1 / (1 - clip.path[-1].z * float(clip.scene.layers[-1].disparity.mean())) - 1


def flicker(frames: list[Image]) -> float:
    """Mean second difference in time, in grey levels: what trembles, and not what moves evenly."""
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]).astype(np.float32)
    return float(np.abs(np.diff(grey, 2, axis=0)).mean())


def parallax(frames: list[Image], mask: np.ndarray) -> float:
    """How many times as fast the subject grows as all else, a third of the way into the push."""
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, later = (cv2.cvtColor(frames[at], cv2.COLOR_RGB2GRAY) for at in (0, len(frames) // 3))
    flow = flow_of.calc(first, later, np.empty(0, np.float32))
    return (_scale(flow, cv2.erode(mask, np.ones((9, 9))) > 0.95) - 1) / (
        _scale(flow, cv2.dilate(mask, np.ones((25, 25))) < 0.05) - 1
    )


def _scale(flow: np.ndarray, where: np.ndarray) -> float:
    rows, columns = np.nonzero(where)
    before = np.column_stack((columns, rows)).astype(np.float32)
    similarity, _ = cv2.estimateAffinePartial2D(before, before + flow[rows, columns])
    return float(np.hypot(similarity[0, 0], similarity[1, 0]))


def first_coded(frames: list[Image]) -> Image:
    """Frame 0 as a player shows it."""
    height, width = frames[0].shape[:2]
    coded = BytesIO()
    encode_mp4(frames, coded, width, height, FPS, len(frames))
    return next(read_frames(coded.getvalue(), 1))


def compare(name: str, clip: ParallaxClip, lpips: Lpips, began: float) -> list[Image]:
    """Print a line of the table; the three pictures of the sheet."""
    ours = list(clip.frames())
    took, began = clock.monotonic() - began, clock.monotonic()
    theirs = zoompan(clip.photo, growth(clip))
    cells = [name, ", ".join(clip.layers)]
    mask = subject_masks(clip.scene, clip.path[:1])[0] if "subject" in clip.layers else None
    for frames, seconds in ((ours, took), (theirs, clock.monotonic() - began)):
        ratio = "-" if mask is None else f"{parallax(frames, mask):.2f}"
        drawn, coded = (lpips(first, clip.photo) for first in (frames[0], first_coded(frames)))
        cells += [f"{min(psnr(frames[0], clip.photo), 99):.0f}", f"{drawn:.3f}", f"{coded:.3f}"]
        cells += [f"{flicker(frames):.2f}", ratio, f"{seconds:.1f}"]
    print("|", " | ".join(cells), "|", flush=True)
    three = (clip.photo, ours[-1], theirs[-1])
    return [crop_to(image, *TILE) for image in three]


def main() -> None:
    """Write the sheet, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, default=Path("docs/images/against_zoompan.jpg"))
    file: Path = parser.parse_args().sheet
    model = load_catalogue().models["default"]
    engine = registry.create(
        model.engine, open_weights(ModelStore(runtime.paths(settings.load()).models), model.weights)
    )
    print("| picture | layers |" + " PSNR of frame 0 | LPIPS | LPIPS, coded | flicker | parallax | seconds |" * 2)
    print("|---" * 14 + "|")
    lpips, rows = Lpips(), []
    for name, picture in PICTURES.items():
        began = clock.monotonic()
        clip = engine.prepare(picture(), "", PARAMETERS, lambda *_: None, lambda: False)
        if not isinstance(clip, ParallaxClip):
            raise TypeError("the default model is not the one that this compares")
        rows.append(np.hstack(compare(name, clip, lpips, began)))
    pairs = [np.hstack(rows[at : at + PAIRS_IN_A_ROW]) for at in range(0, len(rows), PAIRS_IN_A_ROW)]
    save(np.vstack(pairs), file)


if __name__ == "__main__":
    main()

"""Camera paths: a pose per frame, every path starting at the photo's own view. Pure numpy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serve.engines.parameters import Camera, Easing, VideoParameters

Curve = NDArray[np.float64]
"""A value per frame."""


@dataclass(frozen=True)
class Pose:
    """Where the camera is. Lengths are in units of the picture's side at the subject's plane, (W·H)^½.

    `x`, `y`: translation to the right and down. `z`: forward, 1 = the subject's plane. `zoom`: focal length relative
    to the photo's. `roll`: radians. `pivot`: the disparity (0 = infinity, 1 = subject) that turning the
    camera keeps in place while it translates.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    zoom: float = 1.0
    roll: float = 0.0
    pivot: float = 0.0


_EASINGS: dict[Easing, Callable[[Curve], Curve]] = {
    "smooth": lambda t: t * t * (3 - 2 * t),
    "linear": lambda t: t,
    "ease_in": lambda t: t * t,
    "ease_out": lambda t: t * (2 - t),
}

_PAN, _TILT, _DOLLY_IN, _DOLLY_OUT, _VERTIGO = 0.15, 0.12, 0.36, 0.26, 0.36
_ORBIT, _ORBIT_RISE, _ORBIT_PIVOT = 0.13, 0.7, 0.2
_HANDHELD_SHIFT, _HANDHELD_PUSH, _HANDHELD_ROLL = 0.04, 0.06, 0.02
_HANDHELD_CYCLES = np.array([1, 2, 3, 5])


def camera_path(move: Camera, parameters: VideoParameters) -> list[Pose]:
    """One pose per frame of `move`; the first is the identity, and with `loop` it also follows the last.

    Longer videos go a little further, so that the speed stays pleasant. Without a seed, `handheld` differs each time.
    """
    count = parameters.frame_count
    reach = parameters.strength * float(np.clip((parameters.seconds / 4) ** 0.5, 0.6, 1.25))
    time = np.arange(count) / count if parameters.loop else np.arange(count) / (count - 1)
    curves = _curves(move, time, parameters, reach)
    return [Pose(**{name: float(curve[frame]) for name, curve in curves.items()}) for frame in range(count)]


def _curves(move: Camera, time: Curve, parameters: VideoParameters, reach: float) -> dict[str, Curve]:
    if move == "still":
        return {"x": np.zeros_like(time)}
    eased = time if parameters.loop else _EASINGS[parameters.easing](time)
    if move == "handheld":
        return _handheld(eased, reach, parameters)
    if move == "orbit":
        return _orbit(eased, reach)
    there = reach * ((1 - np.cos(2 * np.pi * time)) / 2 if parameters.loop else eased)
    return _straight(move, there)


def _straight(move: Camera, there: Curve) -> dict[str, Curve]:
    match move:
        case "pan_left" | "pan_right":
            return {"x": there * (_PAN if move == "pan_right" else -_PAN)}
        case "tilt_up" | "tilt_down":
            return {"y": there * (_TILT if move == "tilt_down" else -_TILT)}
        case "dolly_out":
            return {"z": -_DOLLY_OUT * there}
        case "dolly_zoom":
            return {"z": -_VERTIGO * there, "zoom": 1 + _VERTIGO * there}
        case _:
            return {"z": _DOLLY_IN * there}


def _orbit(turn: Curve, reach: float) -> dict[str, Curve]:
    angle = 2 * np.pi * turn
    return {
        "x": reach * _ORBIT * np.sin(angle),
        "y": reach * _ORBIT * _ORBIT_RISE * (np.cos(angle) - 1) / 2,
        "pivot": np.full_like(turn, _ORBIT_PIVOT),
    }


def _handheld(time: Curve, reach: float, parameters: VideoParameters) -> dict[str, Curve]:
    """Sums of sines of whole numbers of cycles, so that the path closes; more cycles in a longer video."""
    random = np.random.default_rng(parameters.seed)
    cycles = _HANDHELD_CYCLES * max(round(parameters.seconds / 4), 1)

    def wander() -> Curve:
        phases = random.uniform(0, 2 * np.pi, len(cycles))
        waves = np.sin(2 * np.pi * cycles * time[:, None] + phases) - np.sin(phases)
        return np.asarray((waves / _HANDHELD_CYCLES).sum(axis=1) / 2)

    return {
        "x": reach * _HANDHELD_SHIFT * wander(),
        "y": reach * _HANDHELD_SHIFT * wander(),
        "z": reach * _HANDHELD_PUSH * wander(),
        "roll": reach * _HANDHELD_ROLL * wander(),
    }

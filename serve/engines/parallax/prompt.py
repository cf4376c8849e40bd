"""From a prompt's words to a camera move."""

import re

from serve.engines.parameters import Camera

DEFAULT_MOVE: Camera = "dolly_in"

_SLOWLY = r"(?:slowly |gently |smoothly |to the )*"
_TRAVEL = r"(?:pan|truck|slid|glid|mov|track|sweep|drift)\w* "

_PATTERNS: tuple[tuple[Camera, str], ...] = (
    ("dolly_zoom", r"dolly[ -]?zoom|vertigo|zolly|hitchcock"),
    ("handheld", r"hand[ -]?held|shak(?:y|ing|es?)|documentary|home video|wobbl\w+"),
    ("orbit", r"orbit\w*|arc(?:s|ing)? (?:shot|around)|circl(?:es?|ing)|revolv\w+|around (?:her|him|it|them|the)"),
    ("tilt_up", rf"(?:tilt|crane|pedestal|boom|look)\w* {_SLOWLY}up\w*|rising shot|ascend\w*"),
    ("tilt_down", rf"(?:tilt|crane|pedestal|boom|look)\w* {_SLOWLY}down\w*|descend\w*"),
    ("pan_left", rf"{_TRAVEL}{_SLOWLY}left\w*|leftwards?"),
    ("pan_right", rf"{_TRAVEL}{_SLOWLY}right\w*|rightwards?"),
    ("dolly_out", rf"(?:dolly|zoom|pull|mov|back|track)\w* {_SLOWLY}(?:out|back|away)\w*|reveal\w*"),
    ("dolly_in", rf"(?:dolly|zoom|push|mov|creep|track)\w* {_SLOWLY}(?:in|into|closer|forward|toward)\w*"),
    ("dolly_in", r"approach\w*|close[ -]?up"),
    ("pan_right", r"pan(?:s|ning|oram\w+)?|sideways|lateral\w*|sweep\w*"),
    ("still", r"(?:no|without(?: any)?) (?:camera )?(?:motion|movement)|motionless"),
    ("still", r"(?:static|still|fixed|locked)(?:[ -]?(?:off|down))? (?:camera|shot|frame)"),
)
_COMPILED = tuple((move, re.compile(rf"\b(?:{pattern})\b")) for move, pattern in _PATTERNS)


def move_from_prompt(prompt: str) -> Camera:
    """The move that the prompt asks for (the first named one), or a gentle dolly towards the subject."""
    words = " ".join(prompt.lower().split())
    found = [
        (match.start(), rank, move)
        for rank, (move, pattern) in enumerate(_COMPILED)
        if (match := pattern.search(words))
    ]
    return min(found)[2] if found else DEFAULT_MOVE

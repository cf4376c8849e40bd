"""How long what comes of a create request is kept: `expires_after` and `store`."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cluster.errors import InvalidRequest
from cluster.settings import Retention

__all__ = ["EXPIRES", "Keeping", "keeping_schema", "read_keeping", "read_life", "seconds_after"]

_STORE: Final = "store"
EXPIRES: Final = "expires_after"
_PARTS: Final = ("anchor", "seconds")
_ANCHOR: Final = "created_at"
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Keeping:
    """Whether the video is kept beyond its first whole download, and the longest that its job lets it live."""

    store: bool = True
    life: timedelta | None = None


def read_keeping(fields: dict[str, Any], retention: Retention) -> Keeping:
    """Take what concerns it out of the fields of a request, a form's (``expires_after[seconds]``) or a JSON object's.

    Raises:
        InvalidRequest: it is malformed, or the time to live is too short or too long.
    """
    store = _flag(fields.pop(_STORE, True))
    return Keeping(store, read_life(fields, retention))


def read_life(fields: dict[str, Any], retention: Retention) -> timedelta | None:
    """The time to live alone; None for none. Raises as `read_keeping`."""
    given = fields.pop(EXPIRES, None)
    parts = {part: fields.pop(name) for part in _PARTS if (name := f"{EXPIRES}[{part}]") in fields}
    if given is not None and parts:
        raise _wrong("this is given twice.")
    if given is None and not parts:
        return None
    return _life(parts if given is None else given, retention)


def keeping_schema() -> dict[str, Any]:
    """The two fields, for the documentation."""
    seconds = {"type": "integer", "description": "From ten minutes to a year, unless this installation says otherwise."}
    anchor = {"type": "string", "enum": [_ANCHOR]}
    return {
        EXPIRES: {
            "type": "object",
            "properties": {"anchor": anchor, "seconds": seconds},
            "required": list(_PARTS),
            "description": "The video's own time to live. Then its files and its prompt are erased, its entry stays.",
        },
        _STORE: {
            "type": "boolean",
            "default": True,
            "description": "false: photo and prompt are erased when the job ends, the video after its first whole"
            " download, or after an hour.",
        },
    }


def seconds_after(life: timedelta) -> dict[str, Any]:
    """A time to live, as a request gives it."""
    return {"anchor": _ANCHOR, "seconds": round(life.total_seconds())}


def _flag(value: object) -> bool:
    if isinstance(value, str):
        value = _FLAGS.get(value)
    if not isinstance(value, bool):
        raise InvalidRequest("store: this must be true or false.", param=_STORE)
    return value


def _life(given: object, retention: Retention) -> timedelta:
    if not isinstance(given, dict) or given.keys() != set(_PARTS):
        raise _wrong('give {"anchor": "created_at", "seconds": N}.')
    if given["anchor"] != _ANCHOR:
        raise _wrong("its anchor can be created_at alone.")
    shortest, longest = _bounds(retention)
    seconds = given["seconds"]
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) <= len(str(longest)):
        seconds = int(seconds)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not shortest <= seconds <= longest:
        raise _wrong(f"its seconds must be a whole number from {shortest} to {longest}.")
    return timedelta(seconds=seconds)


def _bounds(retention: Retention) -> tuple[int, int]:
    return retention.min_life_minutes * 60, retention.max_life_days * 86_400


def _wrong(why: str) -> InvalidRequest:
    return InvalidRequest(f"{EXPIRES}: {why}", param=EXPIRES)

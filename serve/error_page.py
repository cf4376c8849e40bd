"""The page on errors, made from the errors themselves.

`python -m serve.error_page` writes it; a test compares.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from cluster import errors
from cluster.errors import InvalidRequest, ModelNotFound, ServiceError, TooManyRequests
from serve.failures import FAILURES
from serve.media.errors import REFUSED_FOR
from serve.url_failures import SENTENCES

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"

_HEAD = """\
# Errors

<!-- Made by `python -m serve.error_page` from cluster/errors.py, serve/failures.py and serve/media/errors.py. -->

Every error is the OpenAI error object, `{"error": {"message", "type", "param", "code"}}`: `code` is for programs and
stays what it is, `message` is for people and may change, `param` names the field that is meant. No text repeats what
was sent. An answer that says `x-should-retry: true` says in `retry-after-ms` when; the SDKs follow both by themselves.
"""

_CASES: Final[Mapping[str, tuple[type[ServiceError], str]]] = {
    "model_retired": (ModelNotFound, "The model was there and is no more; GET /v1/models lists those that are."),
    "notice_version_not_current": (InvalidRequest, "The notice has changed; read it again, then answer that version."),
    "too_many_logins": (TooManyRequests, "Too many logins failed; come back after the time in 'retry-after-ms'."),
    "unsupported_parameter": (
        InvalidRequest,
        "A third party's model does not take this, or not this value; the message says what it takes.",
    ),
    "too_many_sign_ups": (TooManyRequests, "Too many accounts came from one address on one day; come back tomorrow."),
}
"""Where one case has a code that says more than its class does."""


def page() -> str:
    """The page as it must be today."""
    return "\n".join(
        [
            _HEAD,
            *_table(("code", "status", "meaning", "what to do", "again?"), map(_row, _kinds())),
            "",
            "Some cases of these say more exactly what is wrong:",
            "",
            *_table(("code", "status", "meaning and what to do"), map(_case, _CASES)),
            "",
            "A 503 may name the part that is down (`database_down` and the like) in place of `unavailable`.",
            "",
            "## Photos",
            "",
            "The code of a 400 for a photo, with `param` `input_reference`; nothing was stored. Send another one.",
            "",
            *_table(("code", "meaning"), REFUSED_FOR.items()),
            "",
            "## Links and webhooks",
            "",
            "The code of a 400 for a URL, that of a photo or of a webhook's receiver.",
            "",
            *_table(("code", "meaning and what to do"), SENTENCES.items()),
            "",
            "## Jobs",
            "",
            "A failed or cancelled video is a plain answer, 200, with the code in its `error`. It costs nothing.",
            "",
            *_table(("code", "meaning and what to do"), FAILURES.items()),
            "",
        ]
    )


def _kinds() -> list[type[ServiceError]]:
    """Every error that has a code of its own, by status."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    return sorted((kind for kind in kinds if "code" in vars(kind)), key=lambda kind: kind.status)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for code, *cells in rows:
        yield f"| {' | '.join([f'`{code}`', *cells])} |"


def _row(kind: type[ServiceError]) -> tuple[str, ...]:
    meaning = "A fault of the service." if kind is ServiceError else " ".join((kind.__doc__ or "").split())
    return kind.code, str(kind.status), meaning.replace("``", "`"), kind.message, _again(kind)


def _case(code: str) -> tuple[str, ...]:
    kind, meaning = _CASES[code]
    return code, str(kind.status), meaning


def _again(kind: type[ServiceError]) -> str:
    if kind.retryable:
        return "yes"
    return "no" if kind.status < 500 else "with the same Idempotency-Key"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""Pages that stand for themselves, `/privacy.html` first of all. No script, nothing from elsewhere."""

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from cluster.privacy.policy import Policy

__all__ = ["CONTENT_SECURITY_POLICY", "marked", "page", "render"]

_FOLDER: Final = Path(__file__).parent / "templates"
_STYLE: Final = (_FOLDER / "privacy.css").read_text(encoding="utf-8")
_STYLE_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_MARKS: Final = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
)


def marked(text: str) -> Markup:
    """The text as HTML: escaped first, then its `code` and **strong** shown as such."""
    html = str(escape(text))
    for pattern, replacement in _MARKS:
        html = pattern.sub(replacement, html)
    return Markup(html)  # noqa: S704 - escaped above; the two marks add bare tags only


@lru_cache(maxsize=8)
def render(policy: Policy) -> str:
    """The page of a policy."""
    return page("privacy.html", document=policy)


def page(template: str, **shown: object) -> str:
    """A page from one of our templates, in the one style that all of them have."""
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.filters["marked"] = marked
    return environment.get_template(template).render(shown, style=Markup(_STYLE))  # noqa: S704 - our own file, not a user's words

"""`/docs`: the page that describes the API. It loads nothing from elsewhere and works below any path."""

from importlib.resources import files

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse

from cluster.errors import NotFound

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_ASSETS = files("fastapi_swagger.resources")
_TYPES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon-32x32.png": "image/png"}


@router.get("/")
async def find_page() -> RedirectResponse:
    """Whoever comes to the root wants the page."""
    return RedirectResponse("docs")


@router.get("/docs")
async def show_page() -> HTMLResponse:
    """The page; all its links are relative."""
    return get_swagger_ui_html(
        title="ImageToVideos",
        openapi_url="openapi.json",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon-32x32.png",
        swagger_ui_parameters={"persistAuthorization": False},
    )


@router.get("/docs/{name}")
def load_asset(name: str) -> Response:
    """A file that the page needs."""
    if name not in _TYPES:
        raise NotFound
    return Response((_ASSETS / name).read_bytes(), media_type=_TYPES[name])

"""Which adapter speaks to whom, by the name that the register gives it."""

from importlib import import_module

from serve.recipients.adapter import Access, Adapter

__all__ = ["create"]

_ADAPTERS = {
    "bedrock": "Bedrock",
    "kling": "Kling",
    "openai_videos": "OpenAIVideos",
    "veo": "Veo",
    "wan": "Wan",
}


def create(name: str, access: Access) -> Adapter:
    """The adapter of that name; one that nobody uses is not even imported."""
    adapter: Adapter = getattr(import_module(f"serve.recipients.{name}"), _ADAPTERS[name])(access)
    return adapter

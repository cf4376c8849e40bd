"""`i2v models`, `i2v version`."""

from importlib.metadata import version as installed_version
from typing import Any

from rich.console import Console
from rich.table import Table

from cluster import clock, settings
from cluster.cli.console import AsJson, answer

__all__ = ["models", "version"]


def models(as_json: AsJson = False) -> None:
    """List the models: what each costs, where data goes, and how long it will be there."""
    from serve import catalogue

    ours, today, profile = catalogue.load(), clock.now().date(), settings.load().profile
    listed = [
        {"id": name} | model.model_dump(mode="json") | ours.standing(name, today=today, profile=profile).model_dump()
        for name, model in ours.models.items()
    ]

    def show(out: Console) -> None:
        table = Table("model", "where data goes", "credits", "life-cycle", "available")
        for model in listed:
            table.add_row(
                model["id"],
                _destination(model),
                _price(model["price"]),
                model["lifecycle"],
                "yes" if model["available"] else f"no: {model['unavailable_because'] or 'retired'}",
            )
        out.print(table)

    answer({"models": listed}, as_json, show)


def version(as_json: AsJson = False) -> None:
    """Print the version of this installation."""
    number = installed_version("imagetovideos")
    answer({"version": number}, as_json, lambda out: out.print(number))


def _destination(model: dict[str, Any]) -> str:
    disclosure = model["disclosure"]
    return f"{disclosure['recipient']}, {disclosure['country']}" if model["recipient"] else str(disclosure["sentence"])


def _price(price: dict[str, int]) -> str:
    fixed = f"{price['base_credits']} + " if price["base_credits"] else ""
    return f"{fixed}{price['credits_per_second']} a second"

"""`i2v models`, `i2v version`."""

from importlib.metadata import version as installed_version
from typing import Any

from rich.console import Console
from rich.table import Table

from cluster.cli.console import AsJson, answer

__all__ = ["models", "version"]


def models(as_json: AsJson = False) -> None:
    """List the models: what each costs, where data goes, and how long it will be there."""
    from serve import catalogue

    listed = [{"id": name} | model.model_dump(mode="json") for name, model in catalogue.load().models.items()]

    def show(out: Console) -> None:
        table = Table("model", "what it is", "where data goes", "credits", "life-cycle")
        for model in listed:
            table.add_row(model["id"], model["title"], _destination(model), _price(model["price"]), model["lifecycle"])
        out.print(table)

    answer({"models": listed}, as_json, show)


def version(as_json: AsJson = False) -> None:
    """Print the version of this installation."""
    number = installed_version("imagetovideos")
    answer({"version": number}, as_json, lambda out: out.print(number))


def _destination(model: dict[str, Any]) -> str:
    disclosure = model["disclosure"]
    where = f"{model['recipient']}, {disclosure['country']}: " if model["recipient"] else ""
    return where + str(disclosure["sentence"])


def _price(price: dict[str, int]) -> str:
    fixed = f"{price['base_credits']} + " if price["base_credits"] else ""
    return f"{fixed}{price['credits_per_second']} a second"

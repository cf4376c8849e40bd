"""`i2v account`, `i2v models`, `i2v version`."""

from importlib.metadata import version as installed_version
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cluster.cli.client import ApiClient
from cluster.cli.console import EXIT_STATUSES, AsJson, answer, settings_of_this_process

__all__ = ["account", "models", "version"]

account = typer.Typer(name="account", help="Accounts of this installation.", no_args_is_help=True, epilog=EXIT_STATUSES)


@account.callback()
def _accounts() -> None:
    """Keeps `create` a command of its own, for those that will stand beside it."""


@account.command(epilog=EXIT_STATUSES)
def create(as_json: AsJson = False) -> None:
    """Make an account and its first API key, which is shown this once."""
    made = ApiClient(settings_of_this_process()).json("POST", "/v1/accounts", json={})
    shown = {"account_id": made["account_id"], "api_key": made["api_key"]}
    answer(shown, as_json, lambda out: out.print("\n".join(f"{name}: {value}" for name, value in shown.items())))


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

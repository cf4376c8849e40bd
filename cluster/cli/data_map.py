"""`i2v data-map`: hold the data map against the code. It reads no data and needs no running cluster."""

from typing import Annotated

import typer
from rich.markup import escape

from cluster.cli.console import AsJson, Problem, answer
from cluster.settings import configs_folder, read

__all__ = ["data_map", "record_page"]

Record = Annotated[
    bool, typer.Option("--record", help="Print docs/record-of-processing.md instead, as it should be now.")
]


def data_map(as_json: AsJson = False, record: Record = False) -> None:
    """Check that every place where personal data may live is declared, and that every declared place exists."""
    from cluster.cli import inventory
    from cluster.privacy import data_map as policy
    from cluster.privacy.data_map_check import problems

    if record:
        page = record_page()
        answer({"record": page}, as_json, lambda out: out.print(page, end="", markup=False, soft_wrap=True))
        return
    declared = policy.load()
    wrong = problems(declared, inventory.take())
    if wrong:
        raise Problem(escape("The data map is wrong.\n" + "\n".join(f"- {problem}" for problem in wrong)))
    count = {"categories": len(declared.categories), "places": len(list(declared.declared()))}
    answer(count, as_json, lambda out: out.print("{categories} categories in {places} places.".format(**count)))


def record_page() -> str:
    """The record of processing under the default settings, whatever those of this process are."""
    from cluster.privacy import recipients
    from cluster.privacy.policy import published
    from cluster.privacy.record_of_processing import as_markdown, record_of

    settings = read(configs_folder(), {})
    return as_markdown(record_of(published(settings), recipients.load(settings)))

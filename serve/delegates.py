"""Which models are made by whom, as the director needs to know it."""

from collections.abc import Mapping

from cluster import settings
from cluster.privacy import recipients
from cluster.privacy.recipients import Register
from cluster.records.delegation import Budget, Delegate

__all__ = ["of_register", "read"]


def read() -> Mapping[str, Delegate]:
    """Who makes the videos of which model, by our name of it."""
    return of_register(recipients.load(settings.load()))


def of_register(register: Register) -> dict[str, Delegate]:
    """The same of a register: of those in use alone, and of every model to its one recipient."""
    return {
        name: Delegate(one.id, one.provider_model(name), Budget(one.budgets.concurrent, one.budgets.per_account))
        for one in register.providers()
        if one.use and one.budgets
        for name in one.models
    }

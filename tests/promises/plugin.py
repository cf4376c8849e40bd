"""With ``--mutants`` pytest runs each promise test plainly, and then once under each mutant of its promises.

A mutant is in force while fixtures are set up and while the test runs, and no longer when they are torn down. The
rule by which a promise is kept is that of `tests.promises.harness.verdicts`. Fixtures that outlive a test are made by
the plain tests, which all come first; one that lives as long as a module would carry a mutant into the next test, and
is refused.
"""

from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from _pytest.reports import TestReport
from _pytest.terminal import TerminalReporter

from tests.promises.harness import claims, mutation, register, verdicts
from tests.promises.harness.mutation import Mutant
from tests.promises.harness.table import print_table
from tests.promises.harness.verdicts import Outcome, Run, Verdict

_MUTANT = pytest.StashKey[Mutant]()
_FORCE = pytest.StashKey[ExitStack]()
_RUNS = pytest.StashKey[list[Run]]()
_TESTED = pytest.StashKey[set[str]]()
_VERDICTS = pytest.StashKey[tuple[list[Verdict], list[str]]]()
_SHARED_SCOPES = ("class", "module", "package")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the harness; the last two are for testing it."""
    group = parser.getgroup("promises")
    group.addoption("--mutants", action="store_true", help="run only promise tests, plainly and under their mutants")
    group.addoption("--promises-file", type=Path, default=register.FILE, help="the list of promises")
    group.addoption("--mutants-package", default=mutation.PACKAGE, help="where the mutants are")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse markers of promises that do not exist; add the runs under mutants."""
    try:
        sections = register.read(config.option.promises_file)
    except ValueError as error:
        raise pytest.UsageError(f"{config.option.promises_file}: {error}") from None
    known = {promise.number for section in sections for promise in section.promises}
    for item in items:
        if strangers := set(promises_of(item)) - known:
            raise pytest.UsageError(f"{item.nodeid} is marked with {', '.join(strangers)}, which is no promise.")
    if not config.option.mutants:
        return
    plain = [item for item in items if isinstance(item, pytest.Function) and promises_of(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in plain])
    config.stash[_TESTED] = {number for item in plain for number in promises_of(item)}
    mutants = mutation.load(config.option.mutants_package)
    items[:] = [*plain, *(clone for item in plain for clone in _clones(item, mutants))]


def promises_of(item: pytest.Item) -> tuple[str, ...]:
    """The numbers that a test is marked with."""
    return tuple(str(number) for marker in item.iter_markers("promise") for number in marker.args)


def _clones(item: pytest.Function, mutants: Collection[Mutant]) -> Iterator[pytest.Function]:
    for fixture in item._fixtureinfo.name2fixturedefs.values():
        if fixture[-1].scope in _SHARED_SCOPES:
            raise pytest.UsageError(f"{item.nodeid} uses {fixture[-1].argname}, which would outlive a mutant.")
    for mutant in mutants:
        if set(mutant.promises) & set(promises_of(item)):
            name = f"{item.originalname} under {mutant.name}"
            clone: pytest.Function = pytest.Function.from_parent(
                item.parent,
                name=f"{name}{item.name.removeprefix(item.originalname)}",
                callspec=getattr(item, "callspec", None),
                callobj=item.obj,
                fixtureinfo=item._fixtureinfo,
                originalname=name,
            )
            clone.stash[_MUTANT] = mutant
            yield clone


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Put the test's mutant in force."""
    if mutant := item.stash.get(_MUTANT, None):
        item.stash[_FORCE] = ExitStack()
        item.stash[_FORCE].enter_context(mutant.applied())
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Let the true program tear down what the mutant had set up."""
    item.stash.get(_FORCE, ExitStack()).close()
    return (yield)


@pytest.fixture
def mutant_in_force(request: pytest.FixtureRequest) -> str | None:
    """The name of the mutant that this run is under, for tests that start a process of their own."""
    mutant = request.node.stash.get(_MUTANT, None)
    return mutant.name if mutant else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, TestReport, TestReport]:
    """Note how each promise test ended; under a mutant, to be killed is well."""
    report = yield
    numbers, mutant = promises_of(item), item.stash.get(_MUTANT, None)
    if not numbers or (call.when != "call" and report.passed):
        return report
    outcome = _outcome_under_mutant(call) if mutant else Outcome.PASSED if report.passed else Outcome.FAILED
    name = item.nodeid.partition("[")[0].partition(" under ")[0]
    item.config.stash.setdefault(_RUNS, []).append(Run(name, numbers, mutant.name if mutant else None, outcome))
    if mutant and call.when == "call":
        report.outcome, report.longrepr = "passed", None
        report.user_properties.append(("under a mutant", outcome.value))
    return report


def _outcome_under_mutant(call: pytest.CallInfo[None]) -> Outcome:
    if call.when == "call" and call.excinfo is None:
        return Outcome.SURVIVED
    if call.when == "call" and call.excinfo and _notices(call.excinfo.value):
        return Outcome.KILLED
    return Outcome.BROKEN


def _notices(error: BaseException) -> bool:
    """Whether an exception says that an assertion did not hold."""
    if isinstance(error, BaseExceptionGroup):
        return all(_notices(inner) for inner in error.exceptions)
    timed_out = isinstance(error, pytest.fail.Exception) and str(error).startswith("Timeout")
    return isinstance(error, AssertionError | pytest.fail.Exception) and not timed_out


def pytest_report_teststatus(report: pytest.CollectReport | TestReport) -> tuple[str, str, str] | None:
    """Show killed and surviving runs as what they are."""
    properties = dict(report.user_properties) if isinstance(report, TestReport) and report.when == "call" else {}
    outcome = properties.get("under a mutant")
    if outcome is None:
        return None
    return str(outcome), str(outcome)[0], str(outcome).upper()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge; a promise that is claimed and not kept fails the session."""
    config = session.config
    if _TESTED not in config.stash or config.option.collectonly:
        return
    kept = register.kept(register.read(config.option.promises_file))
    tested: set[str] = config.stash[_TESTED]
    runs: list[Run] = config.stash.get(_RUNS, [])
    mutants = mutation.load(config.option.mutants_package)
    judged, others = verdicts.judge(kept, mutants, runs, claims.faults(kept, mutants, tested))
    config.stash[_VERDICTS] = judged, others
    if others or any(verdict.problems for verdict in judged):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the table."""
    if result := terminalreporter.config.stash.get(_VERDICTS, None):
        print_table(terminalreporter, *result)

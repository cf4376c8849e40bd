"""From what happened to tests, plain and under mutants, to a verdict on each kept promise. Pure.

The rule: a promise is kept if

1. each of its tests passes as it is;
2. each of its tests fails, by an assertion, under at least one of its mutants;
3. each of its mutants fails at least one of its tests.

A test is one function, and it fails if one of its cases does. An exception that is no assertion, a skip and a time-out
are no kill: they say that the mutant broke the test, not that the test noticed the broken promise. A set-up that fails
is none either, and fails the session besides: a test is to act in its own body.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.promises.harness.mutation import Mutant
from tests.promises.harness.register import Claim

__all__ = ["Outcome", "Run", "Verdict", "judge"]


class Outcome(StrEnum):
    """What became of a test: the first two without, the others under a mutant."""

    PASSED = "passed"
    FAILED = "failed"
    KILLED = "killed"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a case of a test marked with ``promises``; plain if it names no mutant."""

    test: str
    promises: tuple[str, ...]
    mutant: str | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a promise is kept, shown by whom, and what speaks against it."""

    promise: str
    enforcement: Sequence[str]
    tests: Sequence[str]
    mutants: Sequence[str]
    problems: Sequence[str]


def judge(
    claims: Mapping[str, Claim],
    mutants: Collection[Mutant],
    runs: Sequence[Run],
    faults: Sequence[tuple[str, str]],
) -> tuple[list[Verdict], list[str]]:
    """A verdict for each claim, and what is wrong beside them."""
    verdicts = []
    for number, claim in claims.items():
        own = [run for run in runs if number in run.promises]
        named = [mutant.name for mutant in mutants if number in mutant.promises]
        problems = [sentence for promise, sentence in faults if promise == number]
        problems += [*_of_tests(own, named), *_of_mutants(own, named)]
        tests = sorted({run.test for run in own})
        verdicts.append(Verdict(number, claim.enforcement, tests, named, problems))
    return verdicts, [f"{promise}: {sentence}" for promise, sentence in faults if promise not in claims]


def _of_tests(runs: Sequence[Run], mutants: Collection[str]) -> Iterator[str]:
    failed = {run.test for run in runs if run.outcome is Outcome.FAILED}
    passed = {run.test for run in runs if run.outcome is Outcome.PASSED} - failed
    noticing = {run.test for run in runs if run.outcome is Outcome.KILLED and run.mutant in mutants}
    if not failed | passed:
        yield "no test of it was run"
    yield from (f"{test} did not pass" for test in sorted(failed))
    yield from (f"{test} fails no assertion under any mutant of it" for test in sorted(passed - noticing))


def _of_mutants(runs: Sequence[Run], mutants: Sequence[str]) -> Iterator[str]:
    for mutant in mutants:
        outcomes = {run.outcome for run in runs if run.mutant == mutant}
        if Outcome.KILLED not in outcomes:
            broken = " and breaks a test by another error than an assertion" if Outcome.BROKEN in outcomes else ""
            yield f"the mutant {mutant} survives{broken}"

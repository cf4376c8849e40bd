"""From what happened to tests, plain and under mutants, to a verdict on each kept promise. Pure.

The rule: a promise is kept if

1. each of its tests passes as it is;
2. each of its tests fails, by an assertion, under at least one of its mutants;
3. each of its mutants fails at least one of its tests.

A test is one case of a parametrized function. An exception that is no assertion, a skip and a time-out are no kill:
they say that the mutant broke the test, not that the test noticed the broken promise. A set-up that fails is none
either, and fails the session besides: a test is to act in its own body.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.promises.harness.register import Claim

__all__ = ["Outcome", "Run", "Verdict", "judge"]


class Outcome(StrEnum):
    """What became of a test under a mutant, or of a plain one."""

    PASSED = "passed"
    FAILED = "failed"
    KILLED = "killed"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a test marked with ``promises``; plain if it names no mutant."""

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
    claims: Mapping[str, Claim], runs: Sequence[Run], faults: Sequence[tuple[str, str]]
) -> tuple[list[Verdict], list[str]]:
    """A verdict for each claim, and what is wrong beside them."""
    verdicts = []
    for number, claim in claims.items():
        own = [run for run in runs if number in run.promises]
        problems = [sentence for promise, sentence in faults if promise == number]
        problems += _problems(claim, own)
        tests = sorted({run.test.partition("[")[0] for run in own})
        verdicts.append(Verdict(number, claim.enforcement, tests, claim.mutants, problems))
    return verdicts, [f"{promise}: {sentence}" for promise, sentence in faults if promise not in claims]


def _problems(claim: Claim, runs: Sequence[Run]) -> Iterator[str]:
    tests = {run.test: run.outcome for run in runs if run.mutant is None}
    kills = {(run.test, run.mutant) for run in runs if run.outcome is Outcome.KILLED and run.mutant in claim.mutants}
    if not tests:
        yield "no test of it was run"
    for test, outcome in tests.items():
        if outcome is not Outcome.PASSED:
            yield f"{test} did not pass"
        elif not any(killing == test for killing, _ in kills):
            yield f"{test} fails no assertion under any mutant of it"
    for mutant in claim.mutants:
        if not any(killed == mutant for _, killed in kills):
            yield f"mutant survived: {mutant}"

"""Whether the claims of kept promises, the mutants and the markers of tests agree with each other and with the code."""

from collections.abc import Collection, Iterator, Mapping

from tests.promises.harness.mutation import Mutant
from tests.promises.harness.register import Claim
from tests.promises.harness.substitution import Unresolvable, resolve

__all__ = ["faults"]


def faults(claims: Mapping[str, Claim], mutants: Collection[Mutant], tested: Collection[str]) -> list[tuple[str, str]]:
    """What is wrong without a test being run: pairs of a promise and a sentence.

    ``tested`` are the promises that at least one test is marked with.
    """
    found = [(number, sentence) for number, claim in claims.items() for sentence in _of_claim(number, claim, mutants)]
    found += [(number, "no test is marked with it") for number in claims if number not in tested]
    found += [(number, "a test is marked with it, but it is not claimed") for number in tested if number not in claims]
    for mutant in mutants:
        for number in mutant.promises:
            if number not in claims:
                found.append((number, f"the mutant {mutant.name} is of it, but it is not claimed"))
            elif mutant.enforcement not in claims[number].enforcement:
                found.append((number, f"the mutant {mutant.name} breaks {mutant.enforcement}, which it does not name"))
    return found


def _of_claim(number: str, claim: Claim, mutants: Collection[Mutant]) -> Iterator[str]:
    broken = {mutant.enforcement for mutant in mutants if number in mutant.promises}
    for name in claim.enforcement:
        try:
            resolve(name)
        except Unresolvable as error:
            yield str(error)
        if name not in broken:
            yield f"no mutant breaks {name}"

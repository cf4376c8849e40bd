"""Whether the claims of kept promises, the mutants and the markers of tests agree with each other and with the code."""

from collections.abc import Collection, Iterator, Mapping

from tests.promises.harness.mutation import Mutant
from tests.promises.harness.register import Claim
from tests.promises.harness.substitution import Unresolvable, resolve

__all__ = ["faults"]


def faults(
    claims: Mapping[str, Claim], mutants: Mapping[str, Mutant], tested: Collection[str]
) -> list[tuple[str, str]]:
    """What is wrong without a test being run: pairs of a promise and a sentence.

    ``tested`` are the promises that at least one test is marked with.
    """
    found = [(number, sentence) for number, claim in claims.items() for sentence in _of_claim(number, claim, mutants)]
    found += [(number, "no test is marked with it") for number in claims if number not in tested]
    found += [(number, "a test is marked with it, but it is not claimed") for number in tested if number not in claims]
    for mutant in mutants.values():
        for number in mutant.promises:
            if number not in claims or mutant.name not in claims[number].mutants:
                found.append((number, f"the mutant {mutant.name} is not named by its claim"))
    return found


def _of_claim(number: str, claim: Claim, mutants: Mapping[str, Mutant]) -> Iterator[str]:
    disabled = set()
    for name in claim.mutants:
        mutant = mutants.get(name)
        if mutant is None or number not in mutant.promises:
            yield f"there is no mutant {name} of it"
        elif mutant.enforcement not in claim.enforcement:
            yield f"the mutant {name} breaks {mutant.enforcement}, which its claim does not name"
        else:
            disabled.add(mutant.enforcement)
    for name in claim.enforcement:
        if name not in disabled:
            yield f"no mutant breaks {name}"
        try:
            resolve(name)
        except Unresolvable as error:
            yield str(error)

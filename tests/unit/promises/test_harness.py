"""The harness that proves promises, tried on a small program of its own: whatever is missing makes it fail."""

from pathlib import Path

import pytest

PROGRAM = """
def allowed(agreed):
    return agreed


def shown():
    return "everything"
"""
PROMISES = """
sections:
  - letter: A
    title: All
    promises: {P1: Nothing without a yes., P2: All is shown., P3: Later.}
kept:
  P1: {enforcement: ["program:allowed"]}
  P2: {enforcement: ["program:shown"]}
"""
MUTANTS = """
from tests.promises.harness.mutation import mutant


@mutant("P1", enforcement="program:allowed")
def a_no_is_a_yes(original):
    return lambda agreed: True


@mutant("P2", enforcement="program:shown")
def nothing_is_shown(original):
    return lambda: ""
"""
TESTS = """
import pytest
from program import allowed, shown


@pytest.mark.promise("P1")
@pytest.mark.parametrize("agreed", [True, False])
def test_a_no_is_a_no(agreed):
    assert allowed(agreed) is agreed


@pytest.mark.promise("P2")
def test_something_is_shown():
    assert shown()


def test_of_no_promise():
    raise RuntimeError("nobody runs me")
"""


class Trial:
    """The harness over the small program, after as many changes as a test makes."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self._files = {
            "program.py": PROGRAM,
            "promises.yaml": PROMISES,
            "broken/__init__.py": "",
            "broken/mutants.py": MUTANTS,
            "test_program.py": TESTS,
        }

    def change(self, file: str, old: str, new: str) -> None:
        """Put other words into a file."""
        assert old in self._files[file]
        self._files[file] = self._files[file].replace(old, new)

    def run(self) -> pytest.RunResult:
        """Run every promise test under every mutant."""
        for name, content in self._files.items():
            path = self._pytester.path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        self._pytester.syspathinsert()
        options = ("--mutants", "--promises-file", str(Path("promises.yaml").absolute()), "--mutants-package", "broken")
        plugins = ("-p", "tests.promises.plugin", "-p", "no:cacheprovider", "-p", "no:unraisableexception")
        return self._pytester.runpytest_inprocess(*plugins, *options)

    def fails(self, *sentences: str) -> None:
        """The run ends badly, and says why."""
        result = self.run()
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        lines = {line for line in result.outlines if line.startswith("NOT KEPT")}
        assert lines == {f"NOT KEPT  {sentence}" for sentence in sentences}


@pytest.fixture
def trial(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A harness that has nothing to complain of, until a test changes something."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Trial(pytester)


def test_what_is_whole_is_kept(trial: Trial) -> None:
    result = trial.run()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["2 of 2 claimed promises are kept*", "*3 passed, 1 deselected, 1 survived, 2 killed*"])


def test_a_mutant_that_survives_fails_it(trial: Trial) -> None:
    trial.change("test_program.py", "assert allowed(agreed) is agreed", "assert allowed(True)")
    trial.fails(
        "P1: test_program.py::test_a_no_is_a_no fails no assertion under any mutant of it",
        "P1: the mutant a_no_is_a_yes survives",
    )


def test_one_mutant_of_several_that_survives_fails_it(trial: Trial) -> None:
    another = '@mutant("P1", enforcement="program:allowed")\ndef it_is_the_same(original):\n    return original\n'
    trial.change("broken/mutants.py", '@mutant("P2"', f'{another}\n\n@mutant("P2"')
    trial.fails("P1: the mutant it_is_the_same survives")


def test_a_test_that_no_mutant_fails_fails_it(trial: Trial) -> None:
    trial.change(
        "test_program.py",
        "def test_of_no_promise():\n    raise",
        'P = pytest.mark.promise("P2")\n\n\n@P\n'
        "def test_of_little():\n    assert PROGRAM\n\n\nPROGRAM = 1\n\n\ndef test_of_no_promise():\n    raise",
    )
    trial.fails("P2: test_program.py::test_of_little fails no assertion under any mutant of it")


def test_a_promise_without_a_test_fails_it(trial: Trial) -> None:
    trial.change("test_program.py", '@pytest.mark.promise("P2")\n', "")
    trial.fails(
        "P2: no test is marked with it", "P2: no test of it was run", "P2: the mutant nothing_is_shown survives"
    )


def test_a_promise_without_a_mutant_fails_it(trial: Trial) -> None:
    trial.change("broken/mutants.py", '@mutant("P2", enforcement="program:shown")\n', "")
    trial.fails(
        "P2: no mutant breaks program:shown",
        "P2: test_program.py::test_something_is_shown fails no assertion under any mutant of it",
    )


def test_an_enforcement_that_is_not_there_fails_it(trial: Trial) -> None:
    trial.change("promises.yaml", '["program:shown"]', '["program:shown", "program:hidden"]')
    trial.fails("P2: program:hidden names nothing", "P2: no mutant breaks program:hidden")


def test_a_mutant_of_what_is_not_claimed_to_enforce_fails_it(trial: Trial) -> None:
    trial.change("promises.yaml", '  P2: {enforcement: ["program:shown"]}', '  P2: {enforcement: ["program:allowed"]}')
    trial.fails(
        "P2: no mutant breaks program:allowed",
        "P2: the mutant nothing_is_shown breaks program:shown, which it does not name",
    )


def test_a_test_and_a_mutant_of_a_promise_that_is_not_claimed_fail_it(trial: Trial) -> None:
    trial.change("promises.yaml", '  P2: {enforcement: ["program:shown"]}\n', "")
    trial.fails(
        "P2: a test is marked with it, but it is not claimed",
        "P2: the mutant nothing_is_shown is of it, but it is not claimed",
    )


def test_a_test_that_fails_without_a_mutant_fails_it(trial: Trial) -> None:
    trial.change("program.py", 'return "everything"', "return None")
    trial.fails("P2: test_program.py::test_something_is_shown did not pass")


@pytest.mark.parametrize(
    "instead",
    [
        "lambda: 1 / 0",
        "lambda: __import__('nowhere')",
        "lambda: __import__('pytest').skip('not today')",
    ],
)
def test_a_mutant_that_only_breaks_the_test_is_not_noticed_by_it(trial: Trial, instead: str) -> None:
    trial.change("broken/mutants.py", 'lambda: ""', instead)
    trial.fails(
        "P2: test_program.py::test_something_is_shown fails no assertion under any mutant of it",
        "P2: the mutant nothing_is_shown survives and breaks a test by another error than an assertion",
    )


def test_a_set_up_that_notices_is_no_test(trial: Trial) -> None:
    fixture = '@pytest.fixture\ndef seen():\n    assert shown()\n\n\n@pytest.mark.promise("P2")'
    trial.change("test_program.py", '@pytest.mark.promise("P2")', fixture)
    trial.change("test_program.py", "def test_something_is_shown():", "def test_something_is_shown(seen):")
    trial.fails(
        "P2: test_program.py::test_something_is_shown fails no assertion under any mutant of it",
        "P2: the mutant nothing_is_shown survives and breaks a test by another error than an assertion",
    )


def test_a_test_of_a_promise_that_does_not_exist_is_refused(trial: Trial) -> None:
    trial.change("test_program.py", 'promise("P2")', 'promise("P99")')
    result = trial.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_something_is_shown is marked with P99, which is no promise*"])


def test_a_claim_of_a_promise_that_does_not_exist_is_refused(trial: Trial) -> None:
    trial.change("promises.yaml", '  P2: {enforcement: ["program:shown"]}', '  P99: {enforcement: ["program:shown"]}')
    result = trial.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*There is no such promise: P99*"])


def test_a_fixture_that_would_carry_a_mutant_into_the_next_test_is_refused(trial: Trial) -> None:
    fixture = '@pytest.fixture(scope="module")\ndef seen():\n    return shown()\n\n\n@pytest.mark.promise("P2")'
    trial.change("test_program.py", '@pytest.mark.promise("P2")', fixture)
    trial.change("test_program.py", "def test_something_is_shown():", "def test_something_is_shown(seen):")
    result = trial.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*seen, which would outlive a mutant*"])

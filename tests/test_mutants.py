"""The mutants of `python -m tests.mutations`, which takes too long for the tests' own run."""

from tests.mutations.mutants import MUTANTS, stale


def test_each_mutant_is_a_change_of_the_code_that_is():
    assert stale(MUTANTS) == []


def test_a_text_that_is_no_longer_there_is_told():
    old = {"mtnet_tf/losses.py": (("tests/none.py",), (("no such text", ""),))}
    assert stale(old) == ["mtnet_tf/losses.py: 'no such text'", "tests/none.py"]

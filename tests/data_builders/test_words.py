"""The tables of words agree with the classes of the images."""

import pathlib
import re

import pytest

from data_builders import cifar10_ad, cifar100_ad, words

TABLES = {"digits": words.DIGITS, "cifar10": words.CIFAR10, "cifar100": words.CIFAR100}


@pytest.mark.parametrize(
    "package, name, table",
    [(cifar10_ad, "cifar10", words.CIFAR10), (cifar100_ad, "cifar100", words.CIFAR100)],
)
def test_classes_are_those_of_tfds_in_its_order(package, name, table):
    """The dummy data carry the label names of the data sets' own files, as TFDS writes them."""
    folder = pathlib.Path(package.__file__).parent / "dummy_data" / name / "3.0.2"
    assert list(table) == (folder / "label.labels.txt").read_text().split()


def test_digits_are_their_labels():
    assert list(words.DIGITS) == [str(digit) for digit in range(10)]


@pytest.mark.parametrize("name, size", [("digits", 10), ("cifar10", 10), ("cifar100", 100)])
def test_words_are_distinct_and_spelled_with_letters(name, size):
    spoken = list(TABLES[name].values())
    assert len(set(spoken)) == len(spoken) == size
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)*", word) for word in spoken)


@pytest.mark.parametrize("table", [words.CIFAR10, words.CIFAR100])
def test_a_class_is_called_by_its_name(table):
    assert [name.replace("_", " ") for name in table] == list(table.values())

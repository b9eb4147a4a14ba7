"""A result that is there is not made again, and does not pass for one of other flags."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.studies.results import is_made

ASKED = {"dataset": "digits_ad/a", "overrides": ["a=1"], "scores.num_pairs": 6}


def test_a_result_is_made_once(tmp_path):
    path = tmp_path / "a.json"
    assert not is_made(path, ASKED)
    path.write_text(json.dumps({"dataset": "digits_ad/a", "scores": {"num_pairs": 6}}))
    assert is_made(path, ASKED)  # the overrides are not said, as in earlier versions
    path.write_text("{")
    with pytest.raises(InputError, match="a.json cannot be read"):
        is_made(path, ASKED)


@pytest.mark.parametrize(
    "kept, difference",
    [
        ({"dataset": "mnist_ad/b"}, "dataset: 'mnist_ad/b' -> 'digits_ad/a'"),
        ({"overrides": []}, r"overrides: \[\] -> \['a=1'\]"),
        ({"scores": {"num_pairs": 9}}, "scores.num_pairs: 9 -> 6"),
    ],
)
def test_a_result_of_other_flags_is_one_error(kept, difference, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(kept))
    with pytest.raises(InputError, match=f"a.json was made with other flags: {difference}.*delete"):
        is_made(tmp_path / "a.json", ASKED)

"""The draws that pair images with recordings: the same on every machine and in every version."""

from mtnet_tf.data.draws import drawn_number


def test_the_number_of_a_name_stays():
    """Data sets and controls were drawn so. `printf 0/train_00000 | b2sum -l 64` has the digits."""
    for seed, digits in ((0, "e1446a93e28ea274"), (1, "74aa15b9c2181e62")):
        expected = int.from_bytes(bytes.fromhex(digits), "little")
        assert drawn_number(seed, "train_00000") == expected

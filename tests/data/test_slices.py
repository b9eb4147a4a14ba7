from mtnet_tf.data.slices import slices


def test_slices_cover_all_rows_and_the_last_may_be_shorter():
    assert list(slices(7, 3)) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert list(slices(6, 3)) == [slice(0, 3), slice(3, 6)]
    assert list(slices(0, 3)) == []

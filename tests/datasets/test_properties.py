"""Pictures as numbers: what is read is what was written, and digits are scaled exactly."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_digits
from tests.datasets.small import idx

from hwlib import datasets
from hwlib.datasets._unpacking import parse_idx

digits = functools.cache(load_digits)
loaded = functools.cache(datasets.load)
bytes_of_any_shape = hnp.arrays(np.uint8, hnp.array_shapes(max_dims=3, max_side=5))


@given(bytes_of_any_shape)
def test_idx_is_read_as_it_was_written(array):
    found = parse_idx(idx(array), array.shape)
    np.testing.assert_array_equal(found, array)
    assert not found.flags.writeable


@given(bytes_of_any_shape, st.data())
def test_idx_of_another_length_or_shape_is_refused(array, data):
    whole = idx(array)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    for content, shape in ((cut, array.shape), (whole + b"0", array.shape), (whole, (7, 7))):
        with pytest.raises(datasets.DataError, match="not an IDX file"):
            parse_idx(content, shape)


@given(st.integers(0, 1796), st.integers(0, 27), st.integers(0, 27))
def test_a_digit_is_its_original_scaled_and_repeated(number, row, column):
    """The k-th picture of a class is in the test set if 5 divides k; its pixels are p·255/16."""
    source, data = digits(), loaded("digits")
    label = source.target[number]
    earlier = source.target[:number] == label
    # The fifths are counted along all pictures, sorted by class.
    place = (source.target < label).sum() + earlier.sum()
    order = np.argsort(source.target, kind="stable")
    is_test = np.zeros(len(source.target), bool)
    is_test[order[::5]] = True
    assert is_test[number] == (place % 5 == 0)
    images, labels = (
        (data.test_images, data.test_labels)
        if is_test[number]
        else (data.train_images, data.train_labels)
    )
    at = np.count_nonzero(is_test[:number] == is_test[number])
    assert labels[at] == label
    inside = 2 <= row < 26 and 2 <= column < 26
    pixel = source.images[number, (row - 2) // 3, (column - 2) // 3] if inside else 0
    assert images[at, row, column] == round(float(pixel) * 255 / 16)
    assert not data.is_fallback


@given(bytes_of_any_shape)
def test_a_data_set_is_read_only(array):
    data = datasets.Dataset("mnist", "mnist", ("0",), *[array.copy() for _ in range(4)])
    for part in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        with pytest.raises(ValueError, match="read-only"):
            part[...] = 0

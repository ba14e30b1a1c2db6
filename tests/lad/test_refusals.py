"""What is refused, and in which words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from tests.lad.data import lines

from hwlib import lad

X, y = lines(30, 3)


def spoiled(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("X", "y", "options", "words"),
    [
        (spoiled(X, (3, 1), np.nan), y, {}, r"X\[3, 1\] is nan"),
        (spoiled(X, (29, 2), -np.inf), y, {}, r"X\[29, 2\] is -inf"),
        (X, spoiled(y, 7, np.nan), {}, r"y\[7\] is nan"),
        (X, spoiled(y, 0, np.inf), {}, r"y\[0\] is inf"),
        (X[:, 0], y, {}, r"two axes.*X\[:, None\]"),
        (X[None], y, {}, "two axes"),
        (X, y[:, None], {}, r"shape \(30, 1\).*y.ravel\(\)"),
        (X, y[:29], {}, r"y has shape \(29,\), but X has 30 rows"),
        (X[:0], y[:0], {}, "X is empty: it has 0 rows"),
        (X[:, :0], y, {}, "30 rows and 0 columns"),
        (X, y, {"quantile": 0}, r"quantile must be a number in \(0, 1\), not 0"),
        (X, y, {"quantile": 1.0}, "quantile must be"),
        (X, y, {"quantile": np.nan}, "quantile must be"),
        (X, y, {"quantile": "0.5"}, "quantile must be"),
        (X, y, {"quantile": True}, "quantile must be"),
        (X, y, {"quantile": [0.5]}, "quantile must be"),
        (X, y, {"sample_weight": spoiled(np.ones(30), 4, -1)}, r"sample_weight\[4\] is -1"),
        (X, y, {"sample_weight": spoiled(np.ones(30), 4, np.nan)}, r"sample_weight\[4\] is nan"),
        (X, y, {"sample_weight": np.zeros(30)}, "zero in every row"),
        (X, y, {"sample_weight": np.ones(29)}, r"sample_weight has shape \(29,\)"),
        (X, y, {"solver": "simplex"}, "'auto', 'interior-point', 'highs', 'cvxpy', not 'simplex'"),
        (1e200 * X, y, {}, "so large or so small that"),
        (X, 1e308 * np.sign(y), {}, "so large or so small that"),
        (1e-200 * X, y, {}, "overflow or vanish: rescale"),
        (X, y, {"sample_weight": np.where(y > 0, 1, 1e-300)}, "overflow or vanish: rescale"),
        (X, y, {"quantile": 5e-324}, "closer to 0 or 1 than 9e-10"),
        (X, y, {"quantile": 1 - 2.0**-53}, "closer to 0 or 1 than 9e-10"),
        (X, y, {"solver": ["auto"]}, "solver must be one of"),
    ],
)
def test_a_value_error_says_what_and_where(X, y, options, words):
    with pytest.raises(ValueError, match=words):
        lad.fit(X, y, **options)


@pytest.mark.parametrize(
    ("X", "y", "options", "words"),
    [
        (X + 1j, y, {}, "X must be an array of real numbers, not of dtype complex128"),
        (X.astype(object), y, {}, r"dtype object: convert it, with astype\(float\)"),
        (X.astype(str), y, {}, "encode it as numbers"),
        (X.astype("datetime64[s]"), y, {}, "dtype datetime64"),
        (sparse.csr_array(X), y, {}, r"sparse matrix: convert it with X.toarray\(\)"),
        (X, y.astype(complex), {}, "y must be an array of real numbers"),
        (X, y, {"sample_weight": ["a"] * 30}, "sample_weight must be an array of real numbers"),
    ],
)
def test_a_type_error_says_how_to_convert(X, y, options, words):
    with pytest.raises(TypeError, match=words):
        lad.fit(X, y, **options)


def test_nan_is_found_among_many_rows():
    many, target = lines(20_000, 4)
    with pytest.raises(ValueError, match=r"X\[12345, 2\] is nan"):
        lad.fit(spoiled(many, (12_345, 2), np.nan), target)


def test_a_zero_weight_does_not_hide_what_is_not_finite():
    weights = spoiled(np.ones(30), 3, 0)
    with pytest.raises(ValueError, match=r"X\[3, 1\] is nan"):
        lad.fit(spoiled(X, (3, 1), np.nan), y, sample_weight=weights)


def test_without_cvxpy_the_install_line_is_named():
    code = (
        "import sys; sys.modules['cvxpy'] = None\n"
        "from hwlib import lad\n"
        "try:\n    lad.fit([[1.0], [1.0]], [1.0, 2.0], solver='cvxpy')\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "hwlib[cvxpy]"' in done.stdout

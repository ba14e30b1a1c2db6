"""Rows in the chunks of Dask that are refused: the message names the entry and the chunk."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.lad.chunks import N, da, in_chunks
from tests.lad.data import lines

from hwlib import lad
from hwlib.lad import LADRegressor


def refused(kind, match, X, y, **options):
    with pytest.raises(kind, match=match):
        lad.fit(X, y, **options)


@pytest.mark.parametrize("n", [N, 500])
def test_an_entry_that_is_not_finite_names_its_chunk(n):
    X, y = lines(n, 4)
    row = n - 3
    X[row, 2] = np.nan
    where = rf"in chunk 9, which begins at row {9 * n // 10}"
    lazy = da.from_array(X, chunks=(n // 10, 3))
    refused(ValueError, rf"X\[{row}, 2\] is nan, {where}", lazy, y)
    X[row, 2], y[row] = 1, np.inf
    refused(ValueError, rf"y\[{row}\] is inf: .*{where}", da.from_array(X, chunks=(n // 10, 3)), y)


def test_a_weight_that_is_not_one_names_its_chunk():
    X, y = in_chunks(*lines(N, 4))
    weights = np.ones(N)
    weights[20_000] = -1
    where = r"sample_weight\[20000\] is -1.0, in chunk \d"
    refused(ValueError, where, X, y, sample_weight=weights)
    refused(ValueError, "zero in every row", X, y, sample_weight=np.zeros(N))


def test_the_estimator_counts_the_columns_of_its_user():
    X, y = lines(N, 4)
    X[5, 0] = np.inf
    with pytest.raises(ValueError, match=r"X\[5, 0\] is inf, in chunk 0"):
        LADRegressor().fit(*in_chunks(X, y))


@pytest.mark.parametrize(
    ("change", "kind", "match"),
    [
        (lambda X, y: (X, y[:-1]), ValueError, r"y has shape \(29999,\), but X has 30000 rows"),
        (lambda X, y: (X[:, 0], y), ValueError, r"write X\[:, None\]"),
        (lambda X, y: (X, y[:, None]), ValueError, r"write y\[:, 0\]"),
        (lambda X, y: (X[:0], y[:0]), ValueError, "X is empty"),
        (lambda X, y: (X[:, :0], y), ValueError, "X is empty"),
        (lambda X, y: (X * 1e200, y), ValueError, "rescale"),
        (lambda X, y: (X.astype(complex), y), TypeError, "not of dtype complex128"),
        (lambda X, y: (X, y.astype(str)), TypeError, "y must be an array of real numbers"),
        (lambda X, y: (X[X[:, 1] > 0], y), ValueError, r"y has shape \(30000,\), but X has 14932"),
    ],
)
def test_what_else_is_refused(change, kind, match):
    lazy = da.from_array(lines(N, 4)[0], chunks=(9000, 4)), da.ones(N, chunks=10_000)
    refused(kind, match, *change(*lazy))


@pytest.mark.parametrize("solver", ["highs", "cvxpy", "interior-point"])
def test_other_solvers_need_all_rows(solver):
    refused(ValueError, r"X.compute\(\) fetches them", *in_chunks(*lines(N, 4)), solver=solver)


def test_without_dask_as_a_whole_the_extra_is_named():
    code = (
        "import sys, numpy as np\n"
        "class None_:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'dask': raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, None_())\n"
        "from hwlib import lad\n"
        "Chunks = type('Array', (), {'__module__': 'dask.array.core'})\n"
        "try: lad.fit(Chunks(), np.ones(3))\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "hwlib[dask]"' in done.stdout


def test_sparse_chunks_are_refused():
    X, y = in_chunks(*lines(N, 4))
    refused(TypeError, r"convert it with X.toarray\(\), in chunk", X.map_blocks(csr_array), y)

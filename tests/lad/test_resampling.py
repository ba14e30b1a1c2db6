"""Bootstrap samples: rows drawn again and again, so that many of them are equal."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib import lad

SAME = 1e-9  # rows drawn again and weights lead to the same well-conditioned systems


def resample(seed, n, d, kind):
    """A sample with replacement from n rows, and how often each row is in it."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = rng.normal(size=n) if kind == "continuous" else rng.integers(-2, 3, n).astype(float)
    return X, y, rng.integers(n, size=n)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["continuous", "integer"])
def test_drawing_rows_again_is_the_same_as_weights(kind, seed):
    X, y, drawn = resample(seed, 60, 4, kind)
    times = np.bincount(drawn, minlength=60)
    fit, weighted = lad.fit(X[drawn], y[drawn]), lad.fit(X, y, sample_weight=times)
    assert fit.relative_gap <= 1e-9
    np.testing.assert_allclose(fit.coef, weighted.coef, atol=SAME)
    assert fit.unique == weighted.unique


@pytest.mark.parametrize(
    ("seed", "n", "d", "kind"),
    [
        (7, 30, 4, "integer"),
        (31, 30, 4, "integer"),
        (70, 200, 3, "integer"),
        (117, 100, 5, "continuous"),
        (340, 100, 5, "continuous"),
        (253, 200, 3, "continuous"),
    ],
)
def test_equal_rows_among_the_fitted_ones_do_not_stop_the_descent(seed, n, d, kind):
    X, y, drawn = resample(seed, n, d, kind)
    assert lad.fit(X[drawn], y[drawn]).relative_gap <= 1e-9


@pytest.mark.parametrize("solver", ["auto", "highs"])
def test_a_row_and_its_repetition_never_span_a_vertex_together(solver):
    rng = np.random.default_rng(0)
    for _ in range(60):
        X, y = rng.normal(size=(8, 4)), rng.integers(-2, 3, size=8).astype(float)
        drawn = rng.integers(8, size=20)
        assert lad.fit(X[drawn], y[drawn], solver=solver).relative_gap <= 1e-9

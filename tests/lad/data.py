"""Problems of many kinds, each a pair (X, y) made from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LAWS: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    "normal": lambda rng, X: rng.normal(size=len(X)),
    "cauchy": lambda rng, X: rng.standard_cauchy(len(X)),
    "heteroscedastic": lambda rng, X: rng.normal(size=len(X)) * np.exp(X[:, -1]),
    "skewed": lambda rng, X: rng.exponential(size=len(X)),
    "integer": lambda rng, X: rng.integers(-2, 3, size=len(X)).astype(float),
}


def lines(n=300, d=4, law="normal", seed=0):
    """Normal features with an intercept; with the law "integer", y is integer too."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[:, 0] = 1
    signal = 0 if law == "integer" else X @ rng.normal(size=d)
    return X, signal + LAWS[law](rng, X)


def _with_column(make):
    X, y = lines()
    return np.column_stack([X, make(X, np.random.default_rng(9))]), y


def _levered():
    X, y = lines()
    X[:3] *= 1e6
    return X, y


def _outlying():
    X, y = lines()
    y[:5] = 1e12
    return X, y


def _dummies():
    group = np.random.default_rng(2).integers(6, size=300)
    return np.column_stack([np.ones(300), np.eye(6)[group]]), lines()[1]


def _exact_in_part():
    X, y = lines()
    return X, np.where(np.arange(300) < 200, X.sum(axis=1), y)


HARD: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "ties": lambda: (np.round(lines()[0]), np.round(lines()[1])),
    "repeated rows": lambda: tuple(np.repeat(a[:50], 6, axis=0) for a in lines()),
    "exact fit": lambda: (lines()[0], lines()[0].sum(axis=1)),
    "exact in part": _exact_in_part,
    "all y equal": lambda: (lines()[0], np.full(300, 3.0)),
    "y zero": lambda: (lines()[0], np.zeros(300)),
    "n = d": lambda: lines(4, 4),
    "n < d": lambda: lines(3, 5),
    "one row": lambda: lines(1, 1),
    "one column": lambda: lines(300, 1),
    "a sum of columns": lambda: _with_column(lambda X, _: X[:, 0] + X[:, 1]),
    "a zero column": lambda: _with_column(lambda X, _: 0 * X[:, 0]),
    "all dummies": _dummies,
    "nearly collinear, 1e-6": lambda: _with_column(
        lambda X, rng: X[:, 1] + 1e-6 * rng.normal(size=len(X))
    ),
    "nearly collinear, 1e-8": lambda: _with_column(
        lambda X, rng: X[:, 1] + 1e-8 * rng.normal(size=len(X))
    ),
    "scales": lambda: (lines()[0] * 10.0 ** np.array([-6, 6, 0, 3]), lines()[1]),
    "leverage": _levered,
    "outliers": _outlying,
    "tiny y": lambda: (lines()[0], 1e-9 * lines()[1]),
    "tiniest y": lambda: (lines()[0], 1e-300 * lines()[1]),
    "large y": lambda: (lines()[0], 1e150 * lines()[1]),
}

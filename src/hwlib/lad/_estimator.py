"""The fit as a scikit-learn estimator.

The only module of ``hwlib.lad`` that imports scikit-learn; it is loaded on first use.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import validation

from hwlib.lad._chunks import is_lazy
from hwlib.lad._dask import predicted, r_squared
from hwlib.lad._fit import LADFit, Solver, fit, fit_chunks
from hwlib.lad._problem import checked_quantile


class LADRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Linear regression by least absolute deviations, or to any quantile τ, for scikit-learn.

    .. math::

        \min_{w,\,b} \; \sum_{i=1}^{n} v_i\, \rho_\tau\bigl(y_i - x_i^\top w - b\bigr), \qquad
        \rho_\tau(r) = \max\bigl(\tau r,\; (\tau - 1)\, r\bigr)

    with weights :math:`v_i \ge 0`, all 1 unless given. That is :func:`hwlib.lad.fit` on X behind a
    column of ones, and comes with the same proof of optimality. The chapter *The ℓ1 loss*
    derives it.

    Where no pipeline or search needs an estimator, :func:`hwlib.lad.fit` does without the copy of
    X. Use another model

    - where rows of X itself are wrong or far out, since a single one can draw the fit to itself:
      ``sklearn.linear_model.RANSACRegressor``, or ``TheilSenRegressor`` with few features.
      ``HuberRegressor`` is drawn as well;
    - where many features call for a penalty, or X is sparse:
      ``sklearn.linear_model.QuantileRegressor``, which has an ℓ1 penalty;
    - where the noise is close to Gaussian: ``sklearn.linear_model.LinearRegression``, which then
      needs fewer rows for the same accuracy;
    - where quantiles are not linear in the features:
      ``sklearn.ensemble.HistGradientBoostingRegressor(loss="quantile")``. And note that fits to
      several quantiles, each on its own, may cross.

    Args:
        quantile: τ in (0, 1), without unit; 0.5 is half the ℓ1 loss, and predicts medians.
        fit_intercept: Whether there is a b; without it, b = 0.
        solver: As for :func:`hwlib.lad.fit`.

    Attributes:
        coef_: (n_features,) float64, w in units of y per unit of the feature.
        intercept_: b, a float in units of y; 0 without an intercept.
        objective_: The minimized sum, in units of y (times those of the weights).
        gap_: A proven bound on ``objective_`` minus the least possible sum, rounding included.
        n_iter_: Iterations of the solver.
        lad_fit_: The :class:`~hwlib.lad.LADFit` that these are taken from, for what else it
            tells: the dual variables, one per row, and whether the optimum is unique. Its
            ``coef`` begins with the intercept if there is one.
        n_features_in_: Columns of X.
        feature_names_in_: Their names, where X had names that are all strings.

    Raises:
        TypeError: As said at :meth:`fit`, and not before it is called; so with the next two.
        ValueError: The quantile, the solver or the data are refused.
        ModuleNotFoundError: ``solver="cvxpy"`` without cvxpy.

    Warns:
        NotCertifiedWarning: In :meth:`fit`, ``gap_`` exceeds 1e-9 of the objective.

    Source:
        R. Koenker, G. Bassett, *Regression Quantiles*, Econometrica 46(1), 1978,
        https://doi.org/10.2307/1913643

    Example:
        >>> import numpy as np
        >>> from hwlib.lad import LADRegressor
        >>> X = np.arange(6.0)[:, None]
        >>> y = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 100.0])
        >>> model = LADRegressor().fit(X, y)
        >>> model.predict([[10.0]]).round(6)
        array([21.])
        >>> round(model.objective_, 6), model.gap_ <= 1e-9 * model.objective_
        (44.5, True)
    """

    coef_: NDArray[np.floating[Any]]
    intercept_: float

    def __init__(
        self, *, quantile: float = 0.5, fit_intercept: bool = True, solver: Solver = "auto"
    ) -> None:
        self.quantile = quantile
        self.fit_intercept = fit_intercept
        self.solver = solver

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find w and b.

        Args:
            X: (n, n_features) real numbers of any dtype, or a data frame of them. It is not
                changed; with an intercept it is copied once, in its dtype.
            y: (n,) real numbers.
            sample_weight: (n,), at least 0; an integer weight counts a row that many times. None
                for 1 each.

        Returns:
            The estimator itself.

        Raises:
            TypeError: X is sparse, or the weights are not real numbers.
            ValueError: X or y is not made of real numbers, a shape does not fit, an entry is not
                finite, a weight is negative or all are 0, ``quantile`` is not in (0, 1), or there
                is no such ``solver``.
            ModuleNotFoundError: ``solver="cvxpy"`` without cvxpy.

        Warns:
            NotCertifiedWarning: The proven gap exceeds 1e-9 of the objective.
        """
        if is_lazy(X, y, sample_weight):
            return self._fit_chunks(X, y, sample_weight)
        features, targets = _validated(self, X, y, y_numeric=True)
        n, d = features.shape
        if self.fit_intercept:
            # First: of columns that depend on one another, the later ones get the coefficient 0.
            ones = np.ones((n, 1), features.dtype)
            features = np.concatenate([ones, features], axis=1)
        found = fit(
            features,
            targets,
            quantile=self.quantile,
            sample_weight=sample_weight,
            solver=self.solver,
        )
        return self._keep(found, d)

    def _fit_chunks(self, X: Any, y: Any, sample_weight: Any) -> Self:
        found = fit_chunks(
            X,
            y,
            sample_weight,
            checked_quantile(self.quantile),
            self.solver,
            intercept=self.fit_intercept,
        )
        self.n_features_in_ = X.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        names = _names(X)
        if names is not None:
            self.feature_names_in_ = names
        return self._keep(found, self.n_features_in_)

    def _keep(self, found: LADFit, d: int) -> Self:
        self.coef_ = found.coef[-d:].copy()
        self.intercept_ = float(found.coef[0]) if self.fit_intercept else 0.0
        self.objective_ = found.objective
        self.gap_ = found.gap
        self.n_iter_ = found.n_iter
        self.lad_fit_ = found
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """The τ-quantile of y that the fit gives for each row, Xw + b.

        Args:
            X: (n, n_features), with the features in the order, and under the names, of
                :meth:`fit`.

        Returns:
            (n,) float64, in units of y.

        Raises:
            sklearn.exceptions.NotFittedError: :meth:`fit` has not run.
            ValueError: X does not have the features of :meth:`fit`, or an entry is not finite.
        """
        validation.check_is_fitted(self)
        if is_lazy(X):
            self._refuse_other_features(X)
            lazily: NDArray[np.floating[Any]] = predicted(X, self.coef_, self.intercept_)
            return lazily
        fitted: NDArray[np.floating[Any]] = _validated(self, X, reset=False) @ self.coef_
        return fitted + self.intercept_

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R², as every regressor of scikit-learn has it, ``QuantileRegressor`` too.

        Squares are not what the fit minimizes, and away from τ = ½ R² is misleading. To judge
        quantiles, take ``sklearn.metrics.d2_pinball_score(y, model.predict(X), alpha=τ)``: 1 is
        perfect, and 0 is no better than the empirical quantile of y. For a search or a
        cross-validation make that a scorer::

            scoring = make_scorer(d2_pinball_score, alpha=0.9)
            cross_val_score(LADRegressor(quantile=0.9), X, y, scoring=scoring)

        Args:
            X: (n, n_features).
            y: (n,) true values.
            sample_weight: (n,), or None for 1 each.

        Returns:
            1 − Σ vᵢ(yᵢ − ŷᵢ)² / Σ vᵢ(yᵢ − ȳ)², at most 1.
        """
        if is_lazy(X, y, sample_weight):
            validation.check_is_fitted(self)
            self._refuse_other_features(X)
            return r_squared(X, y, sample_weight, self.coef_, self.intercept_)
        return float(super().score(X, y, sample_weight))

    def _refuse_other_features(self, X: Any) -> None:
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but the fit was made with {self.n_features_in_}"
            )
        names, fitted = _names(X), getattr(self, "feature_names_in_", None)
        if names is not None and fitted is not None and (names != fitted).any():
            raise ValueError(f"X has the features {list(names)}, not {list(fitted)} as in the fit")


def _names(X: Any) -> NDArray[np.object_] | None:
    """The names of a data frame's columns, if all are strings."""
    names = getattr(X, "columns", None)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return np.asarray(names, dtype=object)


def _validated(estimator: LADRegressor, *arrays: Any, **checks: Any) -> Any:
    """The arrays as scikit-learn checks them, with the names and number of the features kept."""
    if hasattr(validation, "validate_data"):
        return validation.validate_data(estimator, *arrays, **checks)
    return estimator._validate_data(*arrays, **checks)  # scikit-learn 1.5

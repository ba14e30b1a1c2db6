"""LADRegressor against hwlib.lad.fit, and against what scikit-learn expects of an estimator."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score, make_scorer, mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from hwlib import lad
from hwlib.lad import LADRegressor

# The optima below are single vertices of about ten numbers of size 1, solved in float64.
SAME = 1e-10
# What hwlib.lad promises of gap over objective.
CERTIFIED = 1e-9


def lines(n: int = 120, d: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Skewed noise around a plane that does not pass through the origin."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(1.0, d + 1) - 2 + rng.exponential(size=n)


def with_ones(X: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(X)), X])


@parametrize_with_checks(
    [LADRegressor(), LADRegressor(quantile=0.2), LADRegressor(fit_intercept=False)]
)
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_it_is_the_fit_with_a_column_of_ones(quantile):
    X, y = lines()
    expected = lad.fit(with_ones(X), y, quantile=quantile)
    model = LADRegressor(quantile=quantile).fit(X, y)
    np.testing.assert_allclose([model.intercept_, *model.coef_], expected.coef, rtol=SAME)
    np.testing.assert_allclose(model.predict(X), with_ones(X) @ expected.coef, rtol=SAME)
    assert model.objective_ == pytest.approx(expected.objective, rel=SAME)
    assert model.coef_.shape == (3,)
    assert type(model.intercept_) is float
    assert model.n_features_in_ == 3


def test_without_an_intercept_it_is_the_fit():
    X, y = lines()
    expected = lad.fit(X, y)
    model = LADRegressor(fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(model.coef_, expected.coef, rtol=SAME)
    np.testing.assert_allclose(model.predict(X), X @ expected.coef, rtol=SAME)
    assert model.intercept_ == 0
    assert len(model.lad_fit_.coef) == 3


def test_a_column_alone_gives_its_quantile():
    y = np.arange(1.0, 12)
    model = LADRegressor(quantile=0.25).fit(np.zeros((11, 1)), y)
    assert model.intercept_ == pytest.approx(3, rel=SAME)
    assert model.coef_ == pytest.approx(0, abs=SAME)


def test_of_columns_that_make_up_a_constant_the_intercept_stays():
    category = np.arange(30) % 3
    y = 10.0 * category + np.arange(30) // 3
    model = LADRegressor(quantile=0.25).fit(np.eye(3)[category], y)
    np.testing.assert_allclose(model.predict(np.eye(3)), [2, 12, 22], rtol=SAME)
    assert model.coef_[2] == 0
    assert model.intercept_ == pytest.approx(22, rel=SAME)


def test_the_gap_is_proven_and_covers_another_solver():
    X, y = lines()
    model = LADRegressor(quantile=0.3).fit(X, y)
    assert 0 <= model.gap_ <= CERTIFIED * model.objective_
    assert model.lad_fit_.gap == model.gap_
    assert lad.verify(with_ones(X), y, model.lad_fit_).holds
    other = QuantileRegressor(quantile=0.3, alpha=0).fit(X, y)
    reference = len(y) * mean_pinball_loss(y, other.predict(X), alpha=0.3)
    assert model.objective_ - model.gap_ <= reference * (1 + SAME)
    assert model.objective_ == pytest.approx(
        len(y) * mean_pinball_loss(y, model.predict(X), alpha=0.3), rel=SAME
    )
    assert isinstance(model.n_iter_, int)
    assert model.n_iter_ >= 0


@pytest.mark.parametrize("solver", ["interior-point", "highs"])
def test_the_solver_is_passed_on(solver):
    X, y = lines()
    model = LADRegressor(solver=solver).fit(X, y)
    assert model.lad_fit_.solver == solver
    np.testing.assert_allclose(model.coef_, LADRegressor().fit(X, y).coef_, rtol=SAME)


def test_integer_weights_are_repeated_rows():
    X, y = lines()
    counts = np.random.default_rng(1).integers(0, 4, size=len(y))
    weighted = LADRegressor().fit(X, y, sample_weight=counts)
    repeated = LADRegressor().fit(X.repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=SAME)
    assert weighted.intercept_ == pytest.approx(repeated.intercept_, rel=SAME)
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=SAME)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.int64, np.bool_])
def test_a_dtype_loses_nothing(dtype):
    X, y = lines()
    narrow = X > 0 if dtype is np.bool_ else (4 * X).astype(dtype)
    model, wide = LADRegressor().fit(narrow, y), LADRegressor().fit(narrow.astype(float), y)
    assert model.coef_.dtype == np.float64
    assert model.predict(narrow).dtype == np.float64
    np.testing.assert_allclose(model.predict(narrow), wide.predict(narrow), rtol=SAME, atol=SAME)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_data_are_copied_once_at_most_and_never_changed(order, monkeypatch):
    seen = []

    def spy(A, *args, **options):
        seen.append(A)
        return lad.fit(A, *args, **options)

    monkeypatch.setattr("hwlib.lad._estimator.fit", spy)
    X, y = lines()
    X, w = np.asarray(X, dtype=np.float32, order=order), np.linspace(0, 1, len(y))
    before = [array.copy() for array in (X, y, w)]
    LADRegressor().fit(X, y, sample_weight=w)
    LADRegressor(fit_intercept=False).fit(X, y, sample_weight=w)
    for array, copy in zip((X, y, w), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert seen[0].dtype == np.float32
    assert seen[0].flags[f"{order}_CONTIGUOUS"]
    assert np.shares_memory(seen[1], X)


def test_the_coefficients_are_not_those_of_the_certificate():
    X, y = lines()
    model = LADRegressor().fit(X, y)
    model.coef_[:] = 0
    assert model.lad_fit_.coef[1:].all()


@pytest.mark.parametrize("quantile", [0, 1, -0.1, 1.5, np.nan, "half", None, True])
def test_a_bad_quantile_is_refused_by_fit(quantile):
    model = LADRegressor(quantile=quantile)
    with pytest.raises(ValueError, match=r"quantile must be a number in \(0, 1\)"):
        model.fit(*lines())


def test_an_unknown_solver_is_refused_by_fit():
    model = LADRegressor(solver="simplex")
    with pytest.raises(ValueError, match=r"solver must be one of 'auto'.*not 'simplex'"):
        model.fit(*lines())


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(120), "sample_weight is (0|zero) in every row"),
        (-np.ones(120), r"sample_weight\[0\] is -1.0"),
        (np.full(120, np.nan), r"sample_weight\[0\] is nan"),
        (np.ones(7), r"sample_weight has shape \(7,\), but X has 120 rows"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        LADRegressor().fit(*lines(), sample_weight=weights)


def test_predicting_needs_a_fit_and_the_same_number_of_features():
    X, y = lines()
    with pytest.raises(NotFittedError):
        LADRegressor().predict(X)
    with pytest.raises(ValueError, match="3 features"):
        LADRegressor().fit(X, y).predict(X[:, :2])


def test_the_names_of_a_frame_are_kept_and_compared():
    pandas = pytest.importorskip("pandas")
    X, y = lines()
    frame = pandas.DataFrame(X, columns=["length", "width", "age"])
    model = LADRegressor().fit(frame, pandas.Series(y))
    assert list(model.feature_names_in_) == ["length", "width", "age"]
    np.testing.assert_allclose(model.coef_, LADRegressor().fit(X, y).coef_, rtol=SAME)
    assert not hasattr(LADRegressor().fit(X, y), "feature_names_in_")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["width", "length", "age"]])


def test_the_score_is_r_squared_and_its_docstring_shows_another():
    X, y = lines()
    model = LADRegressor(quantile=0.9).fit(X, y)
    assert model.score(X, y) == r2_score(y, model.predict(X))
    w = np.linspace(0, 1, len(y))
    assert model.score(X, y, w) == r2_score(y, model.predict(X), sample_weight=w)
    scoring = make_scorer(d2_pinball_score, alpha=0.9)
    assert scoring(model, X, y) == d2_pinball_score(y, model.predict(X), alpha=0.9)
    assert (cross_val_score(model, X, y, scoring=scoring) > 0).all()


def test_a_pipeline_predicts_the_same_whatever_the_scale():
    X, y = lines()
    scaled = make_pipeline(StandardScaler(), LADRegressor()).fit(1000 * X + 5, y)
    plain = LADRegressor().fit(X, y)
    # Undoing the shift and the scale costs a few digits more than the fit itself.
    np.testing.assert_allclose(scaled.predict(1000 * X + 5), plain.predict(X), atol=1e-8)


def test_a_search_over_quantiles_finds_the_one_that_is_scored():
    X, y = lines(400)
    scoring = make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)
    search = GridSearchCV(LADRegressor(), {"quantile": [0.1, 0.5, 0.9]}, scoring=scoring)
    search.fit(X, y)
    assert search.best_params_ == {"quantile": 0.9}
    assert search.best_estimator_.gap_ <= CERTIFIED * search.best_estimator_.objective_


def test_weights_are_routed_to_the_folds():
    X, y = lines()
    w = np.random.default_rng(2).uniform(size=len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = LADRegressor().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=False)
        found = cross_validate(
            model, X, y, cv=KFold(3), params={"sample_weight": w}, return_estimator=True
        )
    for fold, (train, _) in zip(found["estimator"], KFold(3).split(X), strict=True):
        expected = LADRegressor().fit(X[train], y[train], sample_weight=w[train])
        np.testing.assert_allclose(fold.coef_, expected.coef_, rtol=SAME)


def test_clone_and_pickle():
    X, y = lines()
    model = LADRegressor(quantile=0.7, fit_intercept=False, solver="highs").fit(X, y)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    assert not hasattr(fresh, "coef_")
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert lad.verify(X, y, again.lad_fit_).gap == lad.verify(X, y, model.lad_fit_).gap


def test_it_arrives_on_first_use_and_scikit_learn_with_it():
    code = (
        "import sys\nfrom hwlib import lad\n"
        "assert 'LADRegressor' in dir(lad)\nassert 'sklearn' not in sys.modules\n"
        "from hwlib.lad import LADRegressor\nassert LADRegressor is lad.LADRegressor\n"
        "assert 'sklearn' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lad.nothing  # noqa: B018

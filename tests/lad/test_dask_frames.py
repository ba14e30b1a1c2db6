"""The estimator on chunks of Dask, which come from arrays, data frames and files."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tests.lad.chunks import SAME, N, da, in_chunks
from tests.lad.data import lines

from hwlib import lad
from hwlib.lad import LADRegressor

dd = pytest.importorskip("dask.dataframe")


@pytest.mark.parametrize("intercept", [True, False])
def test_the_estimator(intercept):
    X, y = lines(N, 4)
    X[:, 0] = X[:, 1] ** 2
    lazy = da.from_array(X, chunks=(7000, 3)), da.from_array(y, chunks=8000)
    here = LADRegressor(fit_intercept=intercept).fit(X, y)
    there = LADRegressor(fit_intercept=intercept).fit(*lazy)
    np.testing.assert_allclose(there.coef_, here.coef_, atol=SAME)
    assert there.intercept_ == pytest.approx(here.intercept_, abs=SAME)
    assert there.n_features_in_ == 4
    np.testing.assert_allclose(there.predict(lazy[0]).compute(), here.predict(X), atol=SAME)
    assert there.score(*lazy) == pytest.approx(here.score(X, y), abs=SAME)
    weights = np.arange(N) % 3
    assert there.score(*lazy, weights) == pytest.approx(here.score(X, y, weights), abs=SAME)
    with pytest.raises(ValueError, match="X has 3 features, but the fit was made with 4"):
        there.predict(lazy[0][:, :3])
    X[8000, 1] = np.nan
    with pytest.raises(ValueError, match="X holds entries that are not finite, in chunk 1"):
        there.predict(da.from_array(X, chunks=(7000, 3))).compute()


@pytest.mark.parametrize("slope", [0, 1])
def test_scores_where_all_targets_are_equal(slope):
    model = LADRegressor()
    model.coef_, model.intercept_, model.n_features_in_ = np.array([slope]), 3.0, 1
    X, y = np.arange(N)[:, None] / 2, np.full(N, 3.0)
    assert model.score(*in_chunks(X, y)) == model.score(X, y) == 1 - slope


def test_the_estimators_warning_points_at_its_user():
    X, y = lines(N, 5)
    X[:, 1] = X[:, 2] + 1e-12 * X[:, 1]
    for arrays in ((X, y), in_chunks(X, y)):
        with pytest.warns(lad.NotCertifiedWarning) as caught:
            LADRegressor().fit(*arrays)
        assert caught[0].filename == __file__


def table(n=N):
    pandas = pytest.importorskip("pandas")
    X, y = lines(n, 3)
    frame = pandas.DataFrame({"one": X[:, 1], "two": X[:, 2].round(), "y": y})
    frame["two"] = frame["two"].astype("int32")
    return frame.assign(weight=np.arange(n) % 3)


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = table()
    for i, part in enumerate(np.split(np.arange(N), [4000, 11_000, 20_000])):
        frame.iloc[part].to_parquet(tmp_path / f"part.{i}.parquet")
    lazy, features = dd.read_parquet(tmp_path), ["one", "two"]
    for weight in (None, "weight"):
        here = LADRegressor().fit(frame[features], frame.y, weight and frame[weight])
        there = LADRegressor().fit(lazy[features], lazy.y, weight and lazy[weight])
        np.testing.assert_allclose(there.coef_, here.coef_, atol=SAME)
        assert list(there.feature_names_in_) == features
        score = there.score(lazy[features], lazy.y, weight and lazy[weight])
        expected = here.score(frame[features], frame.y, weight and frame[weight])
        assert score == pytest.approx(expected, abs=SAME)
    with pytest.raises(ValueError, match=r"features \['two', 'one'\], not \['one', 'two'\]"):
        there.predict(lazy[features[::-1]])
    with pytest.raises(ValueError, match=r"write y\['name'\]"):
        lad.fit(lazy[features], lazy[["y"]])


def test_columns_of_other_frames_go_by_place_not_by_index():
    frame = table()
    y = frame.y.copy()
    y.index = np.arange(N)[::-1]
    lazy = dd.from_pandas(frame, npartitions=3)
    other = dd.from_pandas(y, npartitions=3, sort=False)
    fit = lad.fit(lazy[["one", "two"]], other)
    np.testing.assert_allclose(fit.coef, lad.fit(frame[["one", "two"]], y).coef, atol=SAME)
    with pytest.raises(ValueError, match=r"y has 10000 rows where X has \d+, in chunk \d"):
        lad.fit(lazy[lazy.one > 0][["one", "two"]], other)
    with pytest.raises(ValueError, match="y has 2 partitions and X has 3: take both from one"):
        lad.fit(lazy[["one", "two"]], dd.from_pandas(y, npartitions=2, sort=False))


@pytest.mark.parametrize("kind", ["numpy", "pandas"])
def test_a_frame_with_targets_in_memory(kind):
    frame = table()
    lazy, features = dd.from_pandas(frame, npartitions=3), ["one", "two"]
    y, v = frame.y, frame.weight
    if kind == "numpy":
        y, v = y.to_numpy(), v.to_numpy()
    here = lad.fit(frame[features], frame.y, sample_weight=frame.weight)
    there = lad.fit(lazy[features], y, sample_weight=v)
    np.testing.assert_allclose(there.coef, here.coef, atol=SAME)


@pytest.mark.parametrize("dtype", ["boolean", "Int64", "Float64", "bool"])
def test_columns_of_pandas_own_types(dtype):
    frame = table()
    frame["two"] = (frame.two > 0).astype(dtype)
    lazy, features = dd.from_pandas(frame, npartitions=3), ["one", "two"]
    plain = lad.fit(frame[features].astype(float), frame.y)
    np.testing.assert_allclose(lad.fit(lazy[features], lazy.y).coef, plain.coef, atol=SAME)


def test_a_single_column_of_a_frame_is_no_table():
    lazy = dd.from_pandas(table(), npartitions=3)
    with pytest.raises(ValueError, match=r"write X\[:, None\]"):
        lad.fit(lazy.one, lazy.y)


def test_a_column_of_text_is_refused():
    lazy = dd.from_pandas(table().assign(text="a"), npartitions=3)
    with pytest.raises(TypeError, match=r"X\['text'\] must be an array of real numbers"):
        lad.fit(lazy[["one", "text"]], lazy.y)


def test_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    X, y = lines(N, 3)
    stored = zarr.open(tmp_path / "X", mode="w", shape=X.shape, chunks=(7000, 3), dtype=X.dtype)
    stored[:] = X
    fit = lad.fit(da.from_zarr(zarr.open(tmp_path / "X", mode="r")), y)
    np.testing.assert_allclose(fit.coef, lad.fit(X, y).coef, atol=SAME)


def mapped(path, n, d):
    X, y = lines(n, d)
    np.save(path / "X.npy", X)
    return np.load(path / "X.npy", mmap_mode="r"), y


def test_a_memory_map_of_dask(tmp_path):
    X, y = mapped(tmp_path, N, 4)
    fit = lad.fit(da.from_array(X, chunks=(7000, 4)), y)
    np.testing.assert_allclose(fit.coef, lad.fit(np.array(X), y).coef, atol=SAME)


def test_a_memory_map_of_numpy_is_not_copied(tmp_path):
    X, y = mapped(tmp_path, 200_000, 20)
    lad.fit(X[:20_000], y[:20_000])
    tracemalloc.start()
    fit = lad.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fit.relative_gap <= 1e-9
    assert peak < 0.5 * X.nbytes

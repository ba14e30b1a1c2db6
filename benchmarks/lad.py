"""Least absolute deviations, side by side: times, objectives and memory, on one thread.

Every competitor solves the same problem, the median regression of y on X, through its documented
interface. The first column of X holds ones and no other intercept is asked for. `lstsq` and
`normal_equations` solve another problem, least squares: they say what one pass over X costs.

**The grid** is no full product, which would take hours. In turn one thing varies: n from 10³ to
3·10⁶ at d = 10 and at d = 20, d from 1 to 100 at n = 10⁵, and the law of the noise at the four
sizes of `HEADLINES`. A competitor is left out where its own times at smaller sizes let one foresee
a run longer than `--limit`; away from the line at d = 10 a quarter of that is allowed, except for
those that `HEADLINES` asks for.

**A cell** of the grid is measured in rounds. Each round draws new data, gives them to all in a
random order, and times only the call, not the import, the compilation (each solves a small problem
before) or the conversion of X into what the interface wants. There are `--repeats` rounds, up to
ten times as many for fast competitors, fewer for slow ones. The time is the best of the rounds, the
objective excess the worst. A ratio of two times takes only rounds in which both ran. (pinball's
`pfn` draws a sample from NumPy's global generator, which nothing seeds here.)

**The keys**, with `<cell>` for `n<n>_d<d>_<law>` and the names of `COMPETITORS`, `LAWS`, `GROUPS`:

- `seconds_<competitor>_<cell>`;
- `excess_<competitor>_<cell>`: the objective over the lowest that any found in that round, minus 1;
- `gap_<hwlib's>_<cell>`: the relative gap that hwlib proved;
- `left_out_<competitor>_<cell>`: the seconds foreseen;
- `failed_<competitor>_<cell>`: the seconds until it raised an error, or passed twice the limit;
- `ratio_<yardstick>_<cell>`: the time of `auto` over that of the yardstick, and
  `speedup_<competitor or group>_<cell>`: that of the fastest of the group over that of `auto`, at
  the sizes of `HEADLINES`; without `_<law>`, of the law that is least favourable to `auto`;
- `memory_auto_n<n>_d<d>`: the peak of memory during the fit, beyond what was held before, over the
  size of X: in a process of its own, VmHWM, reset through /proc/self/clear_refs, minus VmRSS;
- `seed`.
"""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import secrets
import signal
import time
import warnings
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

# One thread, and the kernels that OpenBLAS itself chooses: NumPy looks when it is imported.
os.environ |= {f"{of}_NUM_THREADS": "1" for of in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")}
os.environ.pop("OPENBLAS_CORETYPE", None)

import numpy as np
from _common import Result, parser, write_results
from numpy.typing import NDArray

from hwlib import lad

Vector = NDArray[np.float64]
QUANTILE = 0.5
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
WIDTHS = (1, 2, 5, 10, 20, 50, 100)
MEMORY_SIZE = (3_000_000, 20)
YARDSTICKS = ("lstsq", "normal_equations")
GROUPS = {"pinball": ("pinball_br", "pinball_fn", "pinball_pfn")}
# Where ratios are formed, with those that a run must not leave out.
HEADLINES = {
    (1_000, 5): GROUPS["pinball"],
    (10_000, 10): (*GROUPS["pinball"], "sklearn", "cvxpy"),
    (100_000, 20): ("lstsq", "pinball_fn", "pinball_pfn"),
    (1_000_000, 20): ("lstsq", "pinball_fn", "pinball_pfn"),
}

Law = Callable[[Vector, Vector, np.random.Generator], Vector]
LAWS: dict[str, Law] = {
    "normal": lambda X, fitted, rng: fitted + rng.standard_normal(len(X)),
    "cauchy": lambda X, fitted, rng: fitted + rng.standard_cauchy(len(X)),
    # Exponential, minus its median.
    "skewed": lambda X, fitted, rng: fitted + rng.exponential(size=len(X)) - np.log(2),
    # The scale grows with the last feature, a hundredfold from −2.3 to 2.3.
    "heteroscedastic": lambda X, fitted, rng: (
        fitted + np.exp(X[:, -1]) * rng.standard_normal(len(X))
    ),
    # With X of whole numbers too: many residuals of 0, and often more than one optimum.
    "integer": lambda X, fitted, rng: np.rint(fitted + rng.laplace(size=len(X))),
}


class Cell(NamedTuple):
    """One size and law; on the main line a competitor may take the whole limit."""

    n: int
    d: int
    law: str
    main: bool = False

    @property
    def key(self) -> str:
        """The end of the keys of results."""
        return f"n{self.n}_d{self.d}_{self.law}"

    def draw(self, seed: int, round_: int) -> tuple[Vector, Vector]:
        """New data: X with a column of ones, and y."""
        rng = np.random.default_rng([seed, self.n, self.d, list(LAWS).index(self.law), round_])
        X = rng.standard_normal((self.n, self.d))
        weights = rng.standard_normal(self.d)
        if self.law == "integer":
            X, weights = np.rint(2 * X), np.rint(2 * weights)
        X[:, 0] = 1
        return X, LAWS[self.law](X, X @ weights, rng)


def grid(quick: bool) -> list[Cell]:
    """The cells, small ones first, so that a time can be foreseen from smaller sizes."""
    if quick:
        return [Cell(n, d, "normal", True) for n, d in ((1_000, 5), (10_000, 10))]
    sizes = {(n, 10) for n in SIZES} | {(n, 20) for n in SIZES} | {(100_000, d) for d in WIDTHS}
    cells = [Cell(n, d, "normal", main=d == 10) for n, d in sizes | set(HEADLINES)]
    cells += [Cell(n, d, law) for n, d in HEADLINES for law in LAWS if law != "normal"]
    return sorted(cells, key=lambda cell: (cell.n * cell.d, cell.d, list(LAWS).index(cell.law)))


def lstsq(X: Vector, y: Vector) -> Vector:
    return np.linalg.lstsq(X, y, rcond=None)[0]


def normal_equations(X: Vector, y: Vector) -> Vector:
    return np.linalg.solve(X.T @ X, X.T @ y)


def hwlib_fit(solver: Any, X: Vector, y: Vector) -> lad.LADFit:
    return lad.fit(X, y, quantile=QUANTILE, solver=solver)


def cvxpy_default(X: Vector, y: Vector) -> Vector:
    import cvxpy as cp

    w = cp.Variable(X.shape[1])
    residuals = y - X @ w
    loss = cp.sum(cp.maximum(QUANTILE * residuals, (QUANTILE - 1) * residuals))
    cp.Problem(cp.Minimize(loss)).solve()
    return w.value


def linprog_primal(X: Vector, y: Vector) -> Vector:
    """Minimize τ·1ᵀu + (1 − τ)·1ᵀv subject to Xw + u − v = y, u, v ≥ 0."""
    from scipy import optimize, sparse

    n, d = X.shape
    unit = sparse.eye_array(n)
    return optimize.linprog(
        np.concatenate([np.zeros(d), np.full(n, QUANTILE), np.full(n, 1 - QUANTILE)]),
        A_eq=sparse.hstack([sparse.csc_array(X), unit, -unit], format="csc"),
        b_eq=y,
        bounds=[(None, None)] * d + [(0, None)] * (2 * n),
        method="highs",
    ).x[:d]


def linprog_dual(X: Vector, y: Vector) -> Vector:
    """Maximize yᵀa subject to Xᵀa = 0, τ − 1 ≤ a ≤ τ; the coefficients are the multipliers."""
    from scipy.optimize import linprog

    box = (QUANTILE - 1, QUANTILE)
    found = linprog(-y, A_eq=X.T, b_eq=np.zeros(X.shape[1]), bounds=box, method="highs")
    return -found.eqlin.marginals


def sklearn_fit(X: Vector, y: Vector) -> Vector:
    from sklearn.linear_model import QuantileRegressor

    return QuantileRegressor(quantile=QUANTILE, alpha=0, fit_intercept=False).fit(X, y).coef_


def statsmodels_fit(X: Vector, y: Vector) -> Vector:
    """With the covariance, which fit always computes."""
    from statsmodels.regression.quantile_regression import QuantReg

    return QuantReg(y, X).fit(q=QUANTILE).params


def pyfixest_inputs(X: Vector, y: Vector) -> tuple[str, Any]:
    import pandas as pd

    names = [f"x{j}" for j in range(X.shape[1])]
    return f"y ~ {' + '.join(names)}", pd.DataFrame(X, columns=names).assign(y=y)


def pyfixest_fit(method: Any, formula: str, frame: Any) -> Vector:
    """Without covariances and copies, which may be switched off."""
    from pyfixest import quantreg

    less = {"vcov": None, "copy_data": False, "store_data": False, "lean": True}
    fitted = quantreg(formula, frame, quantile=QUANTILE, method=method, drop_intercept=True, **less)
    return fitted.coef().to_numpy()


def pinball_fit(method: str, X: Vector, y: Vector) -> Vector:
    from pinball import QuantileRegressor

    return QuantileRegressor(tau=QUANTILE, method=method, fit_intercept=False).fit(X, y).coef_


class Competitor(NamedTuple):
    """Who takes part: ``solve`` is timed, ``inputs`` is not.

    ``growth`` is the power of n with which the time is expected to grow, for foreseeing it.
    """

    name: str
    package: str
    solve: Callable[..., Any]
    growth: float = 1.2
    inputs: Callable[[Vector, Vector], tuple[Any, ...]] = lambda X, y: (X, y)


COMPETITORS = (
    Competitor("lstsq", "numpy", lstsq, 1),
    Competitor("normal_equations", "numpy", normal_equations, 1),
    Competitor("auto", "scipy", partial(hwlib_fit, "auto")),
    Competitor("hwlib_interior_point", "scipy", partial(hwlib_fit, "interior-point")),
    Competitor("hwlib_highs", "scipy", partial(hwlib_fit, "highs"), 2),
    Competitor("hwlib_cvxpy", "cvxpy", partial(hwlib_fit, "cvxpy")),
    Competitor("cvxpy", "cvxpy", cvxpy_default),
    Competitor("linprog_primal", "scipy", linprog_primal, 2),
    Competitor("linprog_dual", "scipy", linprog_dual, 2),
    Competitor("sklearn", "scikit-learn", sklearn_fit, 2),
    Competitor("statsmodels", "statsmodels", statsmodels_fit),
    Competitor("pyfixest_fn", "pyfixest", partial(pyfixest_fit, "fn"), 1.2, pyfixest_inputs),
    Competitor("pyfixest_pfn", "pyfixest", partial(pyfixest_fit, "pfn"), 1.2, pyfixest_inputs),
    Competitor("pinball_br", "pinball-qr", partial(pinball_fit, "br"), 2),
    Competitor("pinball_fn", "pinball-qr", partial(pinball_fit, "fn")),
    Competitor("pinball_pfn", "pinball-qr", partial(pinball_fit, "pfn")),
)


@dataclass
class Runs:
    """What one competitor did in one cell, round by round."""

    seconds: dict[int, float] = field(default_factory=dict)
    objectives: dict[int, float] = field(default_factory=dict)
    gaps: list[float] = field(default_factory=list)
    failure: str = ""

    def wants_more(self, options: Namespace) -> bool:
        """Whether another round is worth its time."""
        rounds, spent = len(self.seconds), sum(self.seconds.values())
        if self.failure or spent > options.limit / 6:
            return False
        return rounds < options.repeats or (spent < 0.5 and rounds < 10 * options.repeats)

    def time(self, one: Competitor, data: tuple[Vector, Vector], round_: int, limit: float) -> None:
        """One timed run; a signal ends a run far beyond the limit, once it is back in Python."""
        X, y = data
        inputs = one.inputs(X, y)
        signal.setitimer(signal.ITIMER_REAL, 2 * limit)
        start = time.perf_counter()
        try:
            answer = one.solve(*inputs)
        except Exception as error:  # whatever a competitor raises is a result
            self.failure = type(error).__name__
            return
        finally:
            self.seconds[round_] = time.perf_counter() - start
            signal.setitimer(signal.ITIMER_REAL, 0)
        r = y - X @ np.asarray(getattr(answer, "coef", answer))
        self.objectives[round_] = float(np.maximum(QUANTILE * r, (QUANTILE - 1) * r).sum())
        self.gaps += [answer.relative_gap] if isinstance(answer, lad.LADFit) else []
        if not np.isfinite([self.objectives[round_], *self.gaps]).all():
            self.failure = "a value that is not finite"


Table = dict[str, Runs]
Seen = dict[str, dict[tuple[int, int], float]]


def main() -> None:
    options = command_line()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"seed {seed}")
    signal.signal(signal.SIGALRM, too_long)
    competitors = [one for one in COMPETITORS if takes_part(one, options, seed)]
    warnings.simplefilter("ignore")  # after the imports, some of which set filters of their own
    results: dict[str, Result] = {"seed": result(seed, "", "The seed of all random inputs.")}
    seen: Seen = {one.name: {} for one in competitors}
    if "auto" in seen:
        results |= memory((100_000, 20) if options.quick else MEMORY_SIZE, seed)
    for cell in grid(options.quick):
        results |= run_cell(cell, competitors, seen, options, seed)
        write(results | least_favourable(results), competitors, options)  # a run may be cut short
    for key, one in least_favourable(results).items():
        print(f"{key:45} {one['value']:10.4g}  {one['what'].rpartition(', ')[2]}")


def write(results: dict[str, Result], competitors: list[Competitor], options: Namespace) -> None:
    if options.output:
        packages = ("numpy", "scipy", "clarabel", "hwlib", *(one.package for one in competitors))
        installed = [name for name in dict.fromkeys(packages) if is_installed(name)]
        write_results("lad", results, packages=installed, output=options.output)


def command_line() -> Namespace:
    arguments = parser("lad", __doc__)
    arguments.formatter_class = RawDescriptionHelpFormatter
    arguments.add_argument("--quick", action="store_true", help="two small sizes, to try it")
    names = [one.name for one in COMPETITORS]
    arguments.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {names}")
    arguments.add_argument("--limit", type=float, default=60, help="seconds foreseen for one run")
    arguments.add_argument("--repeats", type=int, default=5, help="rounds in each cell")
    arguments.add_argument("--seed", type=int, help="of the inputs; the system draws one if absent")
    published = arguments.get_default("output")
    arguments.set_defaults(output=None)
    options = arguments.parse_args()
    if not (options.output or options.quick or options.only):  # a part never replaces the whole
        options.output = published
    return options


def too_long(*_: object) -> None:
    raise TimeoutError


def is_installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def takes_part(one: Competitor, options: Namespace, seed: int) -> bool:
    """Whether it is wanted, there, and solves a small problem, which compiles what it compiles."""
    if options.only and one.name not in options.only:
        return False
    if not is_installed(one.package):
        print(f"{one.name} is skipped: {one.package} is not installed")
        return False
    trial = Runs()
    trial.time(one, Cell(300, 3, "normal").draw(seed, 0), 0, options.limit)
    if trial.failure:
        print(f"{one.name} is skipped: {trial.failure} on a small problem")
    return not trial.failure


def run_cell(
    cell: Cell, competitors: list[Competitor], seen: Seen, options: Namespace, seed: int
) -> dict[str, Result]:
    """Measure and print one cell; its results."""
    foreseen = {one.name: foresee(one, cell, seen[one.name]) for one in competitors}
    needed = ("auto", *HEADLINES.get((cell.n, cell.d), ()))
    late = {
        name: seconds
        for name, seconds in foreseen.items()
        if seconds > options.limit / (1 if cell.main or name in needed else 4)
    }
    table = measure(cell, [one for one in competitors if one.name not in late], options, seed)
    for name, runs in table.items():
        known = seen[name].get((cell.n, cell.d), 0)
        seen[name][cell.n, cell.d] = max(known, min(runs.seconds.values()))
    found = results_of(cell, table)
    for name, seconds in late.items():
        what = f"{name} was left out at {cell.key}: this time was foreseen."
        found[f"left_out_{name}_{cell.key}"] = result(seconds, "s", what)
    print_cell(cell, table, late, found)
    return found | ratios(cell, table)


def foresee(one: Competitor, cell: Cell, known: dict[tuple[int, int], float]) -> float:
    """The time of a run, from the size measured that is nearest; 0 if there is none."""

    def growth(n: int, d: int) -> tuple[float, float]:
        return one.growth * math.log(cell.n / n), 1.5 * math.log(cell.d / d)

    if not known:
        return 0.0
    nearest = min(known, key=lambda size: sum(map(abs, growth(*size))))
    return known[nearest] * math.exp(sum(max(0.0, power) for power in growth(*nearest)))


def measure(cell: Cell, competitors: list[Competitor], options: Namespace, seed: int) -> Table:
    """Rounds of new data, each given to all who want more, in a random order."""
    table = {one.name: Runs() for one in competitors}
    order = np.random.default_rng(seed)
    for round_ in range(10 * options.repeats):
        active = [one for one in competitors if table[one.name].wants_more(options)]
        if not active:
            break
        data = cell.draw(seed, round_)
        gc.collect()
        for index in order.permutation(len(active)):
            one = active[index]
            table[one.name].time(one, data, round_, options.limit)
    return table


def results_of(cell: Cell, table: Table) -> dict[str, Result]:
    """Times, excesses and gaps of one cell."""
    solvers = [runs for name, runs in table.items() if name not in YARDSTICKS]
    found = {}
    for name, runs in table.items():
        if runs.failure:
            what = f"{name} at {cell.key}: {runs.failure} after this time."
            value = list(runs.seconds.values())[-1]
            found[f"failed_{name}_{cell.key}"] = result(value, "s", what)
            continue
        of = f"of {len(runs.seconds)} rounds with new data"
        best = min(runs.seconds.values())
        found[f"seconds_{name}_{cell.key}"] = result(best, "s", f"{name}, best {of}.")
        if name not in YARDSTICKS:
            lowest = {i: min(s.objectives.get(i, math.inf) for s in solvers) for i in runs.seconds}
            excess = max(value / lowest[i] - 1 for i, value in runs.objectives.items())
            what = f"{name}, objective over the lowest found, minus 1, worst {of}."
            found[f"excess_{name}_{cell.key}"] = result(excess, "", what)
        if runs.gaps:
            what = f"{name}, relative gap proved, worst {of}."
            found[f"gap_{name}_{cell.key}"] = result(max(runs.gaps), "", what)
    return found


def ratios(cell: Cell, table: Table) -> dict[str, Result]:
    """The headlines of one law: auto against each other one and each group."""
    sound = {name: runs.seconds for name, runs in table.items() if not runs.failure}
    if (cell.n, cell.d) not in HEADLINES or "auto" not in sound:
        return {}
    auto, found = sound.pop("auto"), {}
    for name, members in ({name: (name,) for name in sound} | GROUPS).items():
        against = {}
        for member in filter(sound.__contains__, members):
            both = auto.keys() & sound[member].keys()
            ratio = min(sound[member][i] for i in both) / min(auto[i] for i in both)
            against[member] = (ratio, f"best of {len(both)} rounds in which both ran")
        if not against:
            continue
        fastest = min(against, key=against.__getitem__)
        ratio, of = against[fastest]
        if name in YARDSTICKS:
            what = f"Time of hwlib.lad.fit over that of {fastest}, {of}, {cell.law} noise."
            found[f"ratio_{name}_{cell.key}"] = result(1 / ratio, "", what)
        else:
            what = f"Time of {fastest} over that of hwlib.lad.fit, {of}, {cell.law} noise."
            found[f"speedup_{name}_{cell.key}"] = result(ratio, "", what)
    return found


def least_favourable(results: dict[str, Result]) -> dict[str, Result]:
    """Each headline over all laws: the highest ratio, the lowest speedup."""
    over: dict[str, list[Result]] = {}
    for key, one in results.items():
        if key.startswith(("ratio_", "speedup_")):
            over.setdefault(key.rpartition("_")[0], []).append(one)
    found: dict[str, Result] = {}
    for key, ones in over.items():
        choose = max if key.startswith("ratio_") else min
        worst = choose(ones, key=lambda one: one["value"])
        what = f"{worst['what']} The law least favourable to hwlib, of {len(ones)}."
        found[key] = result(worst["value"], "", what)
    return found


def print_cell(cell: Cell, table: Table, late: dict[str, float], found: dict[str, Result]) -> None:
    print(f"\nn = {cell.n:,}, d = {cell.d}, {cell.law}")
    for name, runs in table.items():
        cells = [f"  {name:22} {min(runs.seconds.values()):10.5f} s × {len(runs.seconds):2}"]
        for quantity in ("excess", "gap"):
            one = found.get(f"{quantity}_{name}_{cell.key}")
            cells += [f"{quantity} {one['value']:9.2e}"] if one else []
        print("  ".join([*cells, runs.failure]))
    for name, seconds in late.items():
        print(f"  {name:22} left out: {seconds:.0f} s foreseen", flush=True)


def memory(size: tuple[int, int], seed: int) -> dict[str, Result]:
    """The extra memory of lad.fit, as a share of X, in a new process."""
    cell = Cell(*size, "normal")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        share = pool.submit(extra_memory, cell, seed).result()
    print(f"memory of lad.fit beyond X and y, n = {cell.n:,}, d = {cell.d}: {share:.3f} × X")
    what = "Peak memory of hwlib.lad.fit beyond what was held before, over the size of X."
    return {f"memory_auto_n{cell.n}_d{cell.d}": result(share, "", what)}


def extra_memory(cell: Cell, seed: int) -> float:
    """In this process: VmHWM, reset before the fit, minus VmRSS before it, over the size of X."""
    X, y = cell.draw(seed, 0)
    lad.fit(X[:1000], y[:1000])
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    lad.fit(X, y)
    return (resident("VmHWM") - before) / X.nbytes


def resident(entry: str) -> int:
    """An entry of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(entry)]
    return 1024 * int(line.split()[1])


def result(value: float, unit: str, what: str) -> Result:
    rounded = value if isinstance(value, int) else float(f"{value:.4g}")
    return {"value": rounded, "unit": unit, "what": what}


if __name__ == "__main__":
    main()

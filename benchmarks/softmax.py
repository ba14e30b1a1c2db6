"""Softmax, side by side: hwlib against SciPy and PyTorch, on one thread.

Each case is a shape, an axis, a type and a scale of normal scores: at scale 1 the probabilities are
of one size, at scale 10 one of them often exceeds all others together, which hwlib then computes
from these. In each of many rounds every function runs, for at least 0.2 ms, one after the other;
its time is the best of the rounds, and a ratio is one of two such times. The collector is off.

Some 30 MB are allocated and freed first. After that the C library keeps what is freed, and no side
waits for the system to hand out memory, as SciPy otherwise would more often, for its temporary
arrays.

The Jacobian is measured against `numpy.full` of its shape: one write of as many numbers.

**The keys**, with `<case>` for `<type>_<shape>_axis<axis>_scale<scale>`:

- `seconds_<function>_<library>_<case>`;
- `ratio_softmax_<case>` and `ratio_log_softmax_<case>`: hwlib over SciPy;
- `ratio_vjp_<case>`: `hwlib.softmax.vjp` over `hwlib.softmax.softmax`;
- `worst_<ratio>` and `median_<ratio>`: over all cases;
- `ratio_jacobian_n<n>`: `hwlib.softmax.jacobian` over `numpy.full`;
- `seed`.
"""

from __future__ import annotations

import gc
import math
import os
import secrets
import statistics
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ |= {f"{of}_NUM_THREADS": "1" for of in ("OMP", "OPENBLAS", "MKL")}

import numpy as np
import torch
from _common import Result, parser, write_results
from scipy import special

from hwlib import softmax

SHAPES = (
    (10,),
    (100,),
    (1_000,),
    (10_000,),
    (100_000,),
    (10, 10),
    (100, 10),
    (1_000, 10),
    (10_000, 10),
    (100_000, 10),
    (10, 100),
    (100, 100),
    (1_000, 100),
    (10, 1_000),
    (100, 1_000),
    (1_000, 1_000),
    (100, 100_000),
)
QUICK = ((10,), (100, 10), (100, 1_000))
SCALES = (1, 10)
N = 2_000  # of the Jacobian

Timed = dict[str, Callable[[], Any]]


class Case(NamedTuple):
    """Scores to take the softmax of, and along which axis."""

    dtype: str
    shape: tuple[int, ...]
    axis: int
    scale: int

    @property
    def key(self) -> str:
        """The end of the keys of results."""
        shape = "x".join(map(str, self.shape))
        return f"{self.dtype}_{shape}_axis{self.axis}_scale{self.scale}"

    def functions(self, seed: int) -> Timed:
        """What is timed, by name and library."""
        rng = np.random.default_rng([seed, *self.shape, self.scale])
        z = (self.scale * rng.normal(size=self.shape)).astype(self.dtype)
        u = rng.normal(size=self.shape).astype(self.dtype)
        axis, tensor = self.axis, torch.from_numpy(z)
        return {
            "softmax_hwlib": lambda: softmax.softmax(z, axis),
            "softmax_scipy": lambda: special.softmax(z, axis),
            "softmax_torch": lambda: torch.softmax(tensor, axis),
            "log_softmax_hwlib": lambda: softmax.log_softmax(z, axis),
            "log_softmax_scipy": lambda: special.log_softmax(z, axis),
            "log_softmax_torch": lambda: torch.log_softmax(tensor, axis),
            "vjp_hwlib": lambda: softmax.vjp(z, u, axis),
        }


RATIOS = {
    "softmax": ("softmax_hwlib", "softmax_scipy"),
    "log_softmax": ("log_softmax_hwlib", "log_softmax_scipy"),
    "vjp": ("vjp_hwlib", "softmax_hwlib"),
}


def main() -> None:
    arguments = parser("softmax", __doc__)
    arguments.formatter_class = RawDescriptionHelpFormatter
    arguments.add_argument("--quick", action="store_true", help="three shapes, to try it")
    arguments.add_argument("--seconds", type=float, default=0.25, help="for each function and case")
    arguments.add_argument("--seed", type=int, help="of the inputs; the system draws one if absent")
    options = arguments.parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    torch.set_num_threads(1)
    np.empty(30_000_000, np.uint8).fill(0)  # freed at once: see above
    gc.disable()
    results: dict[str, Result] = {"seed": result(seed, "", "The seed of all random inputs.")}
    results |= jacobian(seed, options.seconds)
    ratios: dict[str, list[float]] = {name: [] for name in RATIOS}
    for case in cases(QUICK if options.quick else SHAPES):
        times = measure(case.functions(seed), options.seconds)
        for name, seconds in times.items():
            what = f"{name.rpartition('_')[0]} of {name.rpartition('_')[2]}, best of many rounds."
            results[f"seconds_{name}_{case.key}"] = result(seconds, "s", what)
        shown = []
        for name, (over, under) in RATIOS.items():
            ratios[name].append(times[over] / times[under])
            what = f"Time of {over} over that of {under}."
            results[f"ratio_{name}_{case.key}"] = result(ratios[name][-1], "", what)
            shown.append(f"{name} {ratios[name][-1]:.2f}")
        microseconds = 1e6 * times["softmax_hwlib"]
        print(f"{case.key:38} {microseconds:10.1f} µs  {'  '.join(shown)}", flush=True)
    for name, values in ratios.items():
        over, under = RATIOS[name]
        of = f"time of {over} over that of {under}, of {len(values)} cases."
        results[f"worst_{name}"] = result(max(values), "", f"The largest {of}")
        results[f"median_{name}"] = result(statistics.median(values), "", f"The median {of}")
        print(f"{name}: worst {max(values):.2f}, median {statistics.median(values):.2f}")
    packages = ("numpy", "scipy", "torch", "hwlib")
    write_results("softmax", results, packages=packages, output=options.output)


def cases(shapes: tuple[tuple[int, ...], ...]) -> list[Case]:
    """Every shape along every axis, in both types and scales."""
    return [
        Case(dtype, shape, axis, scale)
        for dtype in ("float64", "float32")
        for shape in shapes
        for axis in range(-1, len(shape) - 1)
        for scale in SCALES
    ]


def measure(functions: Timed, seconds: float) -> dict[str, float]:
    """The best time of each, in rounds that take them in turn."""
    repeats = {}
    for name, function in functions.items():
        function()
        start = time.perf_counter()
        function()
        repeats[name] = max(1, math.ceil(2e-4 / (time.perf_counter() - start)))
    best = dict.fromkeys(functions, math.inf)
    end, rounds = time.perf_counter() + seconds * len(functions), 0
    while rounds < 5 or time.perf_counter() < end:
        rounds += 1
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                function()
            best[name] = min(best[name], (time.perf_counter() - start) / repeats[name])
    return best


def jacobian(seed: int, seconds: float) -> dict[str, Result]:
    """The matrix, against a write of as many numbers."""
    z = np.random.default_rng(seed).normal(size=N)
    functions: Timed = {
        "jacobian_hwlib": lambda: softmax.jacobian(z),
        "full_numpy": lambda: np.full((N, N), 0.5),
        "outer_numpy": lambda: np.outer(z, z),
    }
    times = measure(functions, 8 * seconds)
    ratio = times["jacobian_hwlib"] / times["full_numpy"]
    print(f"jacobian, n = {N:,}: {ratio:.2f} × numpy.full")
    return {
        f"seconds_{name}_n{N}": result(value, "s", f"{name}, best of many rounds.")
        for name, value in times.items()
    } | {
        f"ratio_jacobian_n{N}": result(
            ratio, "", "Time of hwlib.softmax.jacobian over that of numpy.full of its shape."
        )
    }


def result(value: float, unit: str, what: str) -> Result:
    rounded = value if isinstance(value, int) else float(f"{value:.4g}")
    return {"value": rounded, "unit": unit, "what": what}


if __name__ == "__main__":
    main()

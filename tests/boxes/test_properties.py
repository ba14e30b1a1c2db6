"""Box sums, grids and deep ReLU networks: the theorems of the two chapters, on any data.

Dyadic numbers of few digits are added and multiplied without rounding, so most of these hold
exactly.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwlib import boxes

UNIT = 2.0**-53
# At most 13 digits each: sums and products of some dozens are exact.
dyadic = st.integers(-(2**10), 2**10).map(lambda k: k / 8)
whole = st.integers(-8, 8).map(float)
magnitudes = st.integers(-250, 250).map(lambda k: 2.0**k)
few = st.integers(1, 12)


@st.composite
def polygons(draw):
    """A continuous, piecewise linear f with its Lipschitz constant on [−1, 1], and itself."""
    slopes = np.array(draw(st.lists(whole, min_size=4, max_size=4)))
    start = draw(whole)
    knots = np.linspace(-1, 1, 5)
    values = start + np.concatenate([[0], np.cumsum(slopes / 2)])
    return (lambda x: np.interp(x, knots, values)), float(np.abs(slopes).max())


@st.composite
def layers(draw, last=1):
    """Small whole weights and biases of up to three hidden layers, on the line."""
    widths = [1, *draw(st.lists(st.integers(1, 4), max_size=3)), last]
    sizes = pairwise(widths)
    entries = st.integers(-3, 3).map(float)
    return [
        (
            np.array(draw(st.lists(entries, min_size=i * o, max_size=i * o))).reshape(o, i),
            np.array(draw(st.lists(entries, min_size=o, max_size=o))),
        )
        for i, o in sizes
    ]


def inside(bound, n, count=200):
    """Points of [−B, B]: all edges, the numbers next to them, and some between."""
    edges = bound * (np.arange(-n, n + 1, 2) / n)
    between = bound * np.linspace(-1, 1, count)
    x = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), between])
    return x[np.abs(x) <= bound]


@given(dyadic, st.integers(1, 2**10).map(lambda k: k / 8), dyadic, dyadic)
def test_the_box_is_translation_equivariant(height, width, start, shift):
    x = np.arange(-9, 10) / 8 * width + start
    box, moved = (boxes.box_network(height, width, start + by) for by in (0, shift))
    np.testing.assert_array_equal(moved(x + shift), box(x))


@given(dyadic, st.integers(1, 2**10).map(lambda k: k / 8), dyadic, magnitudes)
def test_the_box_is_homogeneous_in_height_and_in_scale(height, width, start, scale):
    x = np.arange(-9, 10) / 8 * width + start
    box = boxes.box_network(height, width, start)
    np.testing.assert_array_equal(
        boxes.box_network(scale * height, width, start)(x), scale * box(x)
    )
    np.testing.assert_array_equal(
        boxes.box_network(height, scale * width, scale * start)(scale * x), box(x)
    )


@given(dyadic, st.lists(st.integers(1, 2**6).map(lambda k: k / 8), min_size=2, max_size=6), dyadic)
def test_adjoining_boxes_are_disjoint_and_add_up_to_one(height, widths, start):
    """(a, b] and (b, c] partition (a, c]: at each point just one of them is not 0."""
    edges = start + np.concatenate([[0], np.cumsum(widths)])
    x = np.concatenate([edges, np.nextafter(edges, np.inf), edges - 1 / 16])
    parts = [
        boxes.box_network(height, width, edge)(x)
        for width, edge in zip(widths, edges, strict=False)
    ]
    np.testing.assert_array_equal(sum(parts), boxes.box_network(height, sum(widths), start)(x))
    assert np.count_nonzero(parts, axis=0).max() <= 1


@given(dyadic, st.integers(1, 2**10).map(lambda k: k / 8), dyadic)
def test_the_open_box_lacks_the_right_end_only(height, width, start):
    x = start + np.arange(-8, 17) / 8 * width
    half_open, open_ = (
        boxes.box_network(height, width, start, ends=ends)(x) for ends in ("half-open", "open")
    )
    np.testing.assert_array_equal(half_open - open_, height * (x == start + width))


@given(polygons(), few, st.integers(-60, 60), st.sampled_from(["midpoint", "average"]))
def test_the_error_is_within_the_modulus_of_continuity(polygon, n, power, heights):
    """|f − box sum| ≤ ω(δ/2) ≤ Lδ/2, on an interval of any size."""
    f, slope = polygon
    bound = 2.0**power
    network = boxes.box_sum(lambda x: f(x / bound), bound, n, heights=heights)
    x = inside(bound, n)
    size = np.abs(network.output_weights).sum() + np.abs(f(x / bound)).max()
    limit = boxes.error_bound(slope / bound, bound, n)
    assert np.abs(network(x) - f(x / bound)).max() <= limit + (n + 24) * 2 * UNIT * size
    assert boxes.error_bound(lambda t: slope / bound * t, bound, n) == limit


@given(polygons(), polygons(), few, whole)
def test_the_box_sum_is_linear_in_f(one, other, n, factor):
    f, g = one[0], other[0]
    x = inside(1, n)
    both = boxes.box_sum(lambda x: f(x) + factor * g(x), 1, n)(x)
    apart = boxes.box_sum(f, 1, n)(x) + factor * boxes.box_sum(g, 1, n)(x)
    size = 16 * (1 + abs(factor)) * 4  # of partial sums: |f|, |g| ≤ 8 + 4·8/2
    np.testing.assert_allclose(both, apart, rtol=0, atol=8 * (n + 8) * UNIT * size)


@given(polygons(), few)
def test_a_mirrored_function_gives_the_mirrored_sum(polygon, n):
    f, _ = polygon
    middles = np.arange(1 - n, n, 2) / n  # edges belong to the cell on their left
    mirrored = boxes.box_sum(lambda x: f(-x), 1, n)(middles)
    straight = boxes.box_sum(f, 1, n)(-middles)
    np.testing.assert_allclose(mirrored, straight, rtol=0, atol=(n + 8) * UNIT * 24 * 4)


@given(polygons(), few)
def test_the_box_sum_of_averages_has_the_integral_of_f(polygon, n):
    """The heights times the widths add up to the integral: exactly so for a line on each cell."""
    f, _ = polygon
    cells = 4 * n  # the knots are edges
    network = boxes.box_sum(f, 1, cells, heights="average")
    middles = np.arange(1 - cells, cells, 2) / cells
    knots = np.linspace(-1, 1, 5)
    exact = (f(knots[1:]) + f(knots[:-1])).sum() / 4
    assert abs(network(middles).mean() * 2 - exact) <= 4 * (cells + 32) * UNIT * 24


@given(polygons(), few)
def test_the_adaptive_sum_is_within_its_share_of_the_variation(polygon, n):
    """|f − sum| ≤ V/(2N) + ω(g/2), from at most N boxes."""
    f, slope = polygon
    grid = 512
    network = boxes.adaptive_box_sum(f, 1, n, resolution=grid)
    assert network.neurons <= n + 1
    x = inside(1, grid, 3)
    variation = np.abs(np.diff(f(np.linspace(-1, 1, 5)))).sum()
    size = np.abs(network.output_weights).sum() + 24
    limit = variation / (2 * n) + slope / grid + 2 * (grid + n) * UNIT * size
    assert np.abs(network(x) - f(x)).max() <= limit


@given(
    st.integers(1, 1000).map(lambda k: k / 100),
    st.integers(0, 1000).map(lambda k: k / 10),
    st.integers(1, 1000).map(lambda k: k / 10),
)
def test_the_boxes_needed_are_the_least_in_exact_arithmetic(error, slope, bound):
    n = boxes.boxes_needed(error, slope, bound)
    error, slope, bound = (Fraction(repr(x)) for x in (error, slope, bound))
    assert slope * bound / n <= error
    assert n == 1 or slope * bound / (n - 1) > error


@given(
    st.lists(st.tuples(whole, whole, whole, dyadic), min_size=1, max_size=6),
    dyadic,
    st.lists(st.tuples(whole, whole), min_size=1, max_size=6),
    st.sampled_from([np.float64, np.float32, np.int64, np.longdouble]),
)
def test_a_step_network_is_its_definition_in_two_dimensions(steps, bias, points, dtype):
    w1, w2, b, c = map(np.array, zip(*steps, strict=True))
    network = boxes.StepNetwork(np.column_stack([w1, w2]), b, c, bias)
    x = np.array(points).astype(dtype)
    wanted = [
        bias + sum(s[3] for s in steps if s[0] * p[0] + s[1] * p[1] + s[2] > 0) for p in points
    ]
    np.testing.assert_array_equal(network(x), wanted)
    np.testing.assert_array_equal(network(np.asfortranarray(x)), wanted)
    np.testing.assert_array_equal(network(np.repeat(x, 2, axis=0)[::2]), wanted)


@given(
    st.lists(st.tuples(whole, whole, whole, dyadic), min_size=1, max_size=6),
    whole,
    whole,
    st.integers(1, 8),
    st.integers(1, 8),
)
def test_mixed_differences_of_a_sum_of_axis_aligned_steps_vanish(steps, x, y, right, up):
    """Why one hidden layer of steps along the axes makes no box in two dimensions."""
    on_x = np.arange(len(steps)) % 2 == 0
    first, second, b, c = map(np.array, zip(*steps, strict=True))
    weights = np.column_stack([np.where(on_x, first, 0), np.where(on_x, 0, second)])
    f = boxes.StepNetwork(weights, b, c)
    corners = f([[x, y], [x + right, y], [x, y + up], [x + right, y + up]])
    assert corners[0] - corners[1] - corners[2] + corners[3] == 0


@given(st.data(), st.integers(1, 4), st.integers(1, 3))
def test_a_grid_of_boxes_is_a_partition(data, n, d):
    """Each point of the cube gets the height of one cell, and all others 0."""
    edges = np.cumsum(data.draw(st.lists(st.integers(1, 8), min_size=n + 1, max_size=n + 1)))
    edges = edges.astype(float)
    cell = data.draw(st.tuples(*[st.integers(0, n - 1)] * d))
    share = data.draw(st.tuples(*[st.sampled_from([2.0**-40, 0.5, 1.0])] * d))
    point = np.array(
        [edges[k] + s * (edges[k + 1] - edges[k]) for k, s in zip(cell, share, strict=True)]
    )
    heights = np.arange(1.0, n**d + 1).reshape((n,) * d)
    network = boxes.GridNetwork(edges, heights)
    assert network(point) == heights[cell]
    one = np.zeros((n,) * d)
    one[cell] = 1
    assert boxes.GridNetwork(edges, one)(point) == 1
    assert boxes.GridNetwork(edges, 1 - one)(point) == 0
    for k in range(d):
        for outside in (edges[0], edges[-1] + 2.0**-40):
            moved = point.copy()
            moved[k] = outside
            assert network(moved) == 0


@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_inclusion_and_exclusion_of_corners_gives_the_box(data, n, d):
    """The mixed difference of the corner functions of a cell is the indicator of that cell.

    A corner function is the sum of all cells below it: 2ᵈ of them, with signs, leave one cell.
    """
    edges = np.arange(n + 1.0)
    cell = np.array(data.draw(st.tuples(*[st.integers(0, n - 1)] * d)))
    points = np.array(data.draw(st.lists(st.tuples(*[st.integers(0, 2 * n)] * d), min_size=1))) / 2
    index = np.indices((n,) * d)

    def corner(top):
        below = np.all([index[k] < top[k] for k in range(d)], axis=0)
        return boxes.GridNetwork(edges, below.astype(float))(points)

    total = sum(
        (-1) ** (d - sum(choice)) * corner(cell + np.array(choice))
        for choice in np.ndindex(*(2,) * d)
    )
    box = ((points > cell) & (points <= cell + 1)).all(axis=1)
    np.testing.assert_array_equal(total, box)


@given(st.data(), st.integers(1, 4), st.integers(1, 3))
def test_the_lookup_in_a_grid_is_the_network_written_out(data, n, d):
    heights = np.array(data.draw(st.lists(dyadic, min_size=n**d, max_size=n**d)))
    network = boxes.GridNetwork(np.arange(n + 1.0), heights.reshape((n,) * d))
    points = np.array(data.draw(st.lists(st.tuples(*[st.integers(-1, 9)] * d), min_size=1))) / 2
    a = points.T
    for W, b in network.layers[:-1]:
        a = np.heaviside(W @ a + b[:, None], 0)
    W, b = network.layers[-1]
    np.testing.assert_array_equal(network(points), (W @ a + b[:, None])[0])
    assert network.counts == boxes.grid_counts(n, d)


@given(st.integers(1, 6), st.integers(1, 3), st.lists(whole, min_size=3, max_size=3))
def test_the_grid_sum_is_within_the_modulus_of_continuity(n, d, slopes):
    """Of f(x) = Σ sₖ|xₖ|, with L = Σ|sₖ| in the largest coordinate."""
    s = np.array(slopes[:d])
    network = boxes.grid_sum(lambda x: np.abs(x) @ s, 1, n, d)
    axis = np.linspace(-1, 1, 9)
    points = np.stack(np.meshgrid(*[axis] * d), axis=-1)
    limit = boxes.error_bound(np.abs(s).sum(), 1, n) + 16 * UNIT * np.abs(s).sum()
    assert np.abs(network(points) - np.abs(points) @ s).max() <= limit


@given(st.integers(1, 40), st.integers(1, 12))
def test_the_boxes_of_a_grid_are_counted_by_multiplying(n, d):
    counts = boxes.grid_counts(n, d)
    assert counts.second == n**d
    assert counts.first == d * (n + 1)
    assert boxes.grid_counts(n, d + 1).second == n * counts.second
    assert counts.neurons == counts.first + counts.second
    assert counts.nonzero <= counts.dense


@given(layers(), st.lists(dyadic, min_size=1, max_size=6), st.integers(0, 40))
def test_relu_networks_are_positively_homogeneous(pairs, points, power):
    """f(λx) = λ f(x) for λ > 0 without biases; so with all biases scaled alongside."""
    scale = 2.0**power
    depth = len(pairs)
    network = boxes.ReLUNetwork(pairs)
    x = np.array(points)
    scaled = boxes.ReLUNetwork([(W, scale * b) for W, b in pairs])
    np.testing.assert_array_equal(scaled(scale * x), scale * network(x))
    bare = boxes.ReLUNetwork([(scale * W, 0 * b) for W, b in pairs])
    unscaled = boxes.ReLUNetwork([(W, 0 * b) for W, b in pairs])
    np.testing.assert_array_equal(bare(x), scale**depth * unscaled(x))


@given(layers(), st.lists(dyadic, min_size=1, max_size=6))
def test_eulers_identity_for_relu_networks(pairs, points):
    """f(x) = x f′(x) without biases, away from 0: the slope is that of the ray."""
    network = boxes.ReLUNetwork([(W, 0 * b) for W, b in pairs])
    x = np.array(points)
    slope = network(2 * x) - network(x)
    np.testing.assert_array_equal(slope, network(x))
    np.testing.assert_array_equal(network(0.0), 0.0)


@given(layers(), dyadic, dyadic)
def test_the_lipschitz_constant_is_at_most_the_product_of_the_norms(pairs, x, y):
    network = boxes.ReLUNetwork(pairs)
    product = np.prod([np.abs(W).sum(axis=1).max() for W, _ in pairs])
    assert abs(network(x) - network(y)) <= product * abs(x - y)


@given(st.integers(1, 6), st.integers(1, 6), st.lists(st.integers(0, 2**20), min_size=1))
def test_sawtooths_compose(one, other, numerators):
    """Telgarsky: that of k + l layers is that of k layers after that of l."""
    x = np.array(numerators) / 2**20
    np.testing.assert_array_equal(
        boxes.sawtooth(one + other)(x), boxes.sawtooth(one)(boxes.sawtooth(other)(x))
    )


@given(st.integers(1, 20), st.lists(st.integers(0, 2**20), min_size=1))
def test_the_sawtooth_is_symmetric_and_periodic(depth, numerators):
    x = np.array(numerators) / 2**20
    network = boxes.sawtooth(depth)
    np.testing.assert_array_equal(network(1 - x), network(x))
    period = 2.0 ** (1 - depth)
    at = np.minimum(x, 1 - period) if depth > 1 else x
    if depth > 1:
        np.testing.assert_array_equal(network(at + period), network(at))


@given(st.integers(1, 12), st.lists(st.integers(0, 2**12), min_size=1))
def test_the_square_is_within_yarotskys_bound(depth, numerators):
    """0 ≤ network(x) − x² ≤ 4^−(k+1) on [0, 1], with no rounding at dyadic points."""
    x = np.array(numerators) / 2**12
    error = boxes.square_network(depth)(x) - x**2
    assert (error >= 0).all()
    assert (error <= 4.0 ** -(depth + 1)).all()


@given(st.floats(2.0**-52, 0.9))
def test_the_square_depth_is_the_least(error):
    k = boxes.square_depth(error)
    assert Fraction(1, 4 ** (k + 1)) <= Fraction(error)
    assert k == 1 or Fraction(1, 4**k) > Fraction(error)

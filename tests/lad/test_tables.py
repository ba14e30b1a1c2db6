"""Published tables: what R's quantreg prints for two classical data sets.

Stack loss: K. A. Brownlee, *Statistical Theory and Methodology in Science and Engineering*, 1965.
Engel's food expenditure: R. Koenker, G. Bassett, *Robust Tests for Heteroscedasticity Based on
Regression Quantiles*, Econometrica 50(1), 1982. Both are part of the R packages datasets and
quantreg, whose documentation prints the coefficients.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwlib import lad

LOSS = [42, 37, 37, 28, 18, 18, 19, 20, 15, 14, 14, 13, 11, 12, 8, 7, 8, 8, 9, 15, 15]
AIR = [80, 80, 75, 62, 62, 62, 62, 62, 58, 58, 58, 58, 58, 58, 50, 50, 50, 50, 50, 56, 70]
WATER = [27, 27, 25, 24, 22, 23, 24, 24, 23, 18, 18, 17, 18, 19, 18, 18, 19, 19, 20, 20, 20]
ACID = [89, 88, 90, 87, 87, 87, 93, 93, 87, 80, 89, 88, 82, 93, 89, 86, 72, 79, 80, 82, 91]
ENGEL = {
    0.05: (124.88004, 0.34336),
    0.1: (110.14157, 0.40177),
    0.25: (95.48354, 0.47410),
    0.5: (81.48225, 0.56018),
    0.75: (62.39659, 0.64401),
    0.9: (67.35087, 0.68630),
    0.95: (64.10396, 0.70907),
}
PRINTED = 6e-6  # half a unit of the fifth decimal, and a little


def test_stack_loss():
    X = np.column_stack([np.ones(21), AIR, WATER, ACID])
    fit = lad.fit(X, LOSS)
    expected = [-39.68985507, 0.83188406, 0.57391304, -0.06086957]
    np.testing.assert_allclose(fit.coef, expected, atol=6e-9)


@pytest.mark.parametrize("tau", ENGEL)
def test_food_expenditure(tau):
    path = Path(__file__).with_name("engel.csv")
    income, food = np.loadtxt(path, delimiter=",", skiprows=1).T
    fit = lad.fit(np.column_stack([np.ones(len(income)), income]), food, quantile=tau)
    np.testing.assert_allclose(fit.coef, ENGEL[tau], atol=PRINTED)

"""How many examples a property is tried on: 300 fixed ones, or 10,000 fresh ones in ``make fuzz``.

The plugin of hypothesis marks all tests with ``@given`` as ``hypothesis``.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Not "ci": hypothesis has one of its own, which it takes wherever it finds a CI.
settings.register_profile(
    "fixed",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow],  # on a machine that is busy with other things
)
settings.register_profile(
    "fuzz",
    derandomize=False,
    deadline=None,
    max_examples=10_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")

"""Tails and intervals of the count distributions that verdicts are made of.

All functions take scalars or arrays that broadcast, and return arrays of float (or float for the
scalar helpers). The negative binomial is parametrised by its mean ``mu`` and its spread ``alpha``:
variance = mu + alpha * mu^2, so that alpha = 0 is the Poisson distribution (Hilbe, Negative
Binomial Regression, 2nd ed., 2011, "NB2").
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# Below this spread the two distributions agree to many digits, and 1 / alpha would overflow.
POISSON_SPREAD = 1e-9
# A mean of exactly 0 has no tail; this is one mention in about a hundred thousand years of hours.
SMALLEST_MEAN = 1e-9


def upper_tail(count: Any, mean: Any, spread: Any) -> FloatArray:
    """Return P(X >= count) of a negative binomial with ``mean`` and ``spread``.

    Formula: I_q(count, r) with r = 1 / spread and q = mean / (r + mean), the regularised incomplete
    beta function (NIST DLMF 8.17.24); the Poisson limit is the incomplete gamma function P(count,
    mean) (DLMF 8.4.10).
    """
    k = np.asarray(count, dtype=np.float64)
    mu = np.maximum(np.asarray(mean, dtype=np.float64), SMALLEST_MEAN)
    alpha = np.asarray(spread, dtype=np.float64)
    k, mu, alpha = np.broadcast_arrays(k, mu, alpha)
    size = 1.0 / np.maximum(alpha, POISSON_SPREAD)
    at_least_one = np.maximum(k, 1.0)
    tail = np.where(
        alpha <= POISSON_SPREAD,
        special.gammainc(at_least_one, mu),
        special.betainc(at_least_one, size, mu / (size + mu)),
    )
    return np.where(k <= 0, 1.0, tail)


def lower_tail(count: Any, mean: Any, spread: Any) -> FloatArray:
    """Return P(X <= count) of a negative binomial with ``mean`` and ``spread``."""
    return np.asarray(1.0 - upper_tail(np.asarray(count) + 1, mean, spread), dtype=np.float64)


def count_interval(mean: float, spread: float, mass: float) -> tuple[int, int]:
    """Return the central interval (low, high) that holds at least ``mass`` of the distribution.

    Both ends are counts, inclusive. ``mass`` lies between 0 and 1.
    """
    mu = max(mean, SMALLEST_MEAN)
    tail = (1.0 - mass) / 2
    if spread <= POISSON_SPREAD:
        low, high = stats.poisson.ppf([tail, 1 - tail], mu)
    else:
        size = 1.0 / spread
        low, high = stats.nbinom.ppf([tail, 1 - tail], size, size / (size + mu))
    return int(max(low, 0)), int(high)


def share_upper_tail(count: int, total: int, share: float, correlation: float) -> float:
    """Return P(X >= count) of a beta-binomial over ``total`` trials.

    ``share`` is the mean proportion (0..1, ends excluded), ``correlation`` the intraclass
    correlation rho, 0 for the binomial: a = share * (1 / rho - 1), b = (1 - share) * (1 / rho - 1)
    (Griffiths, Biometrics 29, 1973).
    """
    if count <= 0:
        return 1.0
    if count > total:
        return 0.0
    return float(
        min(_share_masses(np.arange(count, total + 1), total, share, correlation).sum(), 1)
    )


def share_interval(total: int, share: float, correlation: float, mass: float) -> tuple[int, int]:
    """Return the central interval of a beta-binomial count that holds at least ``mass``."""
    cumulated = np.cumsum(_share_masses(np.arange(total + 1), total, share, correlation))
    tail = (1.0 - mass) / 2
    low, high = np.searchsorted(cumulated, [tail, 1 - tail])
    return int(low), int(min(high, total))


def _share_masses(counts: IntArray, total: int, share: float, correlation: float) -> FloatArray:
    """Return the beta-binomial probability of each count."""
    ways = -np.log1p(total) - special.betaln(counts + 1, total - counts + 1)
    if correlation <= POISSON_SPREAD:
        logs = ways + counts * np.log(share) + (total - counts) * np.log1p(-share)
    else:
        weight = 1.0 / correlation - 1.0
        a, b = share * weight, (1 - share) * weight
        logs = ways + special.betaln(counts + a, total - counts + b) - special.betaln(a, b)
    return np.asarray(np.exp(logs))


def wilson_interval(count: float, total: float, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion, in 0..1 (Wilson, JASA 22, 1927).

    Raises ValueError if ``total`` is not positive: a share of nothing has no interval.
    """
    if total <= 0:
        raise ValueError("a share of nothing has no interval")
    p = count / total
    centre = p + z * z / (2 * total)
    half = z * float(np.sqrt(p * (1 - p) / total + z * z / (4 * total * total)))
    scale = 1 + z * z / total
    # Rounding must not push the share itself out of its interval.
    return min(max((centre - half) / scale, 0.0), p), max(min((centre + half) / scale, 1.0), p)


def benjamini_hochberg(p_values: Any, tested: int | None = None) -> FloatArray:
    """Return the q-value of each p-value (Benjamini and Hochberg, JRSS B 57, 1995).

    ``tested`` is the number of tests made where it is larger than the number handed in. The order
    of the input is kept.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.size == 0:
        return p
    number = max(tested or 0, p.size)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * number / np.arange(1, p.size + 1)
    q = np.empty_like(p)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q

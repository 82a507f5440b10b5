"""Erlang B for continuous servers, to rounding, at a cost that does not grow with the number of servers.

With X = 1/B(a, c) = a int_0^inf exp(-a t) (1 + t)^c dt (Fortet; A. A. Jagers and E. A. van Doorn, Operations Research
Letters 5, 1986):

* few servers: the recursion X(c) = 1 + (c / a) X(c - 1), which forgets rounding, from the fractional part f of c,
  where X(f) = E[(1 + S / a)^f] with S exponential is a fixed exp-sinh quadrature;
* many servers, load not far above them: put t = (1 + y) c / a - 1 and y - log(1 + y) = z^2 / 2, so that the integrand
  is exp(-c z^2 / 2) dy/dz, and dy/dz is a power series in z that converges for |z| < 2 sqrt(pi): X is a sum of partial
  moments of the normal law (the expansion of N. M. Temme, SIAM J. Math. Anal. 10, 1979, in another dress);
* many servers, load far above them: X by Legendre's continued fraction, all of whose terms are positive.

Exponents are formed without cancellation, so nothing over- or underflows but B itself.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt._compiled import compiled

Array = NDArray[np.float64]
prange = range

FEW = 60.0
TERMS = 22
FAR = 18.0
"""The exponent c z^2 / 2 at the load, six standard deviations out, beyond which the continued fraction is used."""
FRACTIONS = 40
REACH = 40.0
"""exp(-40) = 4e-18: how far below its peak the integrand no longer counts."""


def blocking_of(load: Array, servers: Array) -> Array:
    """B for flat arrays of equal length; loads and servers >= 0."""
    kernel = compiled(fill_blocking, h, few_servers, near_load, far_load)
    if kernel is None or not load.size:
        return _blocking_numpy(load, servers)
    points, shares = _exp_sinh()
    out = np.empty(load.shape)
    kernel(load, servers, _slopes(), points, shares, out)
    return out


def h(y: float) -> float:
    """y - log(1 + y) without cancellation."""
    if y < -0.4 or y > 0.6:
        return y - math.log1p(y)
    r = y / (2.0 + y)
    s = r * r
    tail = 0.0
    for k in range(13 if s > 0.002 else 6):
        tail += s**k / (2 * k + 3)
    return r * (y - 2.0 * s * tail)


def few_servers(load: float, servers: float, points: Array, shares: Array) -> float:
    """B by the recursion from the fractional part."""
    part = servers - math.floor(servers)
    inverse = 1.0
    if part > 0.0:
        inverse = 0.0
        for k in range(points.shape[0]):
            inverse += shares[k] * (1.0 + points[k] / load) ** part
    blocking = 1.0 / inverse
    for n in range(1, int(servers - part) + 1):
        offered = load * blocking
        blocking = offered / (part + n + offered)
    return blocking


def near_load(drop: float, above: bool, servers: float, slopes: Array) -> float:
    """1/B times exp(-drop) where the load is below the servers; 1/B where it is above. ``drop`` = servers * h."""
    edge = math.sqrt(2.0 * min(drop, REACH))
    root = math.sqrt(servers)
    if above:
        even = math.sqrt(0.5 * math.pi) * math.exp(drop) * math.erfc(edge / math.sqrt(2.0))
        odd, power, start = 1.0, 1.0, edge
    else:
        even = math.sqrt(0.5 * math.pi) * math.erfc(-edge / math.sqrt(2.0))
        odd, start = math.exp(-min(drop, REACH)), -edge
        power = odd
    total = slopes[0] * even + slopes[1] * odd / root
    scale = 1.0 / root
    for n in range(2, slopes.shape[0]):
        power *= start
        even, odd = odd, power + (n - 1) * even
        scale /= root
        total += slopes[n] * odd * scale
    return float(root * total)


def far_load(load: float, servers: float) -> float:
    """1/B by the continued fraction of the incomplete gamma function, from its tail."""
    spare = load - servers
    rest = 0.0
    for k in range(FRACTIONS, 0, -1):
        rest = k * (servers + 1.0 - k) / (spare + 2.0 * k + rest)
    return load / (spare + rest)


def fill_blocking(load: Array, servers: Array, slopes: Array, points: Array, shares: Array, out: Array) -> None:
    """B into ``out``, pair by pair."""
    for i in prange(load.shape[0]):
        a, c = load[i], servers[i]
        if c == 0.0:
            out[i] = 1.0
        elif a == 0.0:
            out[i] = 0.0
        elif c < FEW:
            out[i] = few_servers(a, c, points, shares)
        else:
            drop = c * h((a - c) / c)
            if a > c and drop > FAR:
                out[i] = 1.0 / far_load(a, c)
            elif a > c:
                out[i] = 1.0 / near_load(drop, True, c, slopes)
            else:
                out[i] = math.exp(-drop) / near_load(drop, False, c, slopes)


def _blocking_numpy(load: Array, servers: Array) -> Array:
    out = np.where(servers == 0.0, 1.0, 0.0)
    busy = (servers > 0) & (load > 0)
    drop = np.where(busy, servers * _h_numpy((load - servers) / np.where(busy, servers, 1.0)), 0.0)
    many = busy & (servers >= FEW)
    far = many & (load > servers) & (drop > FAR)
    for chosen, rule in ((busy & (servers < FEW), _few_numpy), (far, _far_numpy)):
        if np.any(chosen):
            out[chosen] = rule(load[chosen], servers[chosen])
    near = many & ~far
    if np.any(near):
        out[near] = _near_numpy(drop[near], load[near] > servers[near], servers[near])
    return out


def _few_numpy(load: Array, servers: Array) -> Array:
    points, shares = _exp_sinh()
    whole = np.floor(servers)
    part = servers - whole
    inverse = np.ones_like(load)
    odd = np.flatnonzero(part > 0)
    if odd.size:
        inverse[odd] = sum(w * (1.0 + p / load[odd]) ** part[odd] for p, w in zip(points, shares, strict=True))
    blocking = 1.0 / inverse
    for n in range(1, int(whole.max()) + 1):
        offered = load * blocking
        blocking = np.where(n <= whole, offered / (part + n + offered), blocking)
    return blocking


def _near_numpy(drop: Array, above: NDArray[np.bool_], servers: Array) -> Array:
    slopes, root = _slopes(), np.sqrt(servers)
    kept = np.minimum(drop, REACH)
    edge = np.sqrt(2.0 * kept)
    start = np.where(above, edge, -edge)
    power = np.where(above, 1.0, np.exp(-kept))
    even = np.sqrt(0.5 * np.pi) * special.erfc(start / np.sqrt(2.0)) * np.where(above, np.exp(kept), 1.0)
    odd, scale = power, 1.0 / root
    total = slopes[0] * even + slopes[1] * odd * scale
    for n in range(2, slopes.size):
        power = power * start
        even, odd = odd, power + (n - 1) * even
        scale = scale / root
        total += slopes[n] * odd * scale
    blocking: Array = np.exp(np.where(above, 0.0, -drop)) / (root * total)
    return blocking


def _far_numpy(load: Array, servers: Array) -> Array:
    spare = load - servers
    rest = np.zeros_like(load)
    for k in range(FRACTIONS, 0, -1):
        rest = k * (servers + 1.0 - k) / (spare + 2.0 * k + rest)
    return (spare + rest) / load


def _h_numpy(y: Array) -> Array:
    near = np.where((y >= -0.4) & (y <= 0.6), y, 0.0)
    r = near / (2.0 + near)
    s = r * r
    tail = np.zeros_like(s)
    for k in range(12, -1, -1):
        tail = tail * s + 1.0 / (2 * k + 3)
    beyond = np.where((y < -0.4) | (y > 0.6), y, 0.0)
    with np.errstate(divide="ignore"):
        return np.where(beyond == 0.0, r * (near - 2.0 * s * tail), beyond - np.log1p(beyond))


@cache
def _slopes() -> Array:
    """The power series of dy/dz where y - log(1 + y) = z^2 / 2, from y y' = z (1 + y)."""
    series = np.zeros(TERMS + 2)
    series[1] = 1.0
    for m in range(2, TERMS + 1):
        products = sum(series[i] * series[m + 1 - i] for i in range(2, m))
        series[m] = series[m - 1] / (m + 1) - products / 2.0
    return series[1 : TERMS + 1] * np.arange(1, TERMS + 1)


@cache
def _exp_sinh() -> tuple[Array, Array]:
    """Points and weights for E[g(S)], S exponential with mean 1 (H. Takahasi and M. Mori, 1974)."""
    step = 1.0 / 24.0
    u = np.arange(-5.2, 2.4, step)
    points = np.exp(0.5 * np.pi * np.sinh(u))
    weights = step * 0.5 * np.pi * np.cosh(u) * points * np.exp(-points)
    used = weights > 1e-25
    return points[used], weights[used] / weights[used].sum()

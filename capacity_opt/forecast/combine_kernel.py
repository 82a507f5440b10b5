"""Soft weights and combined forecasts, compiled: one series after another. ``combine_numpy`` is the twin."""

from __future__ import annotations

from typing import Any

import numpy as np

prange = range
CAP = 3.0  # of a model's log error above the best one's
TINY = 1e-9
LIGHT = 1e-3  # of all weight: models below it are left out
LONG = 8  # horizons from which a series' backtest origins do not overlap


def error_sums(told: Any, actual: Any, sums: Any, known: Any) -> None:
    """``sums`` (J, K, H + 1), ``known`` (J, H + 1): absolute errors of the first h periods added up, and how many."""
    for j in range(1, told.shape[0]):
        known[j, 0] = 0.0
        for h in range(told.shape[2]):
            known[j, h + 1] = known[j, h] + (1.0 if actual[j, h] == actual[j, h] else 0.0)
        for k in range(told.shape[1]):
            total = 0.0
            sums[j, k, 0] = 0.0
            for h in range(told.shape[2]):
                gap = abs(told[j, k, h] - actual[j, h])
                total += gap if gap == gap else 0.0
                sums[j, k, h + 1] = total


def log_errors(told: Any, fit: Any, sums: Any, known: Any, counts: Any, origin: int, logs: Any) -> float:
    """Fill ``logs`` (2, K) with each model's log mean absolute errors above the best one's; how many origins' worth.

    Row 0: of the backtest, from ``told`` (J, K, H) and its :func:`error_sums`; row 1: of one step ahead, from ``fit``
    (J, K), all before the origin. Backtest errors in the periods that ``origin`` itself forecasts do not
    count, so that its own errors are those of weights that never saw them; for series shorter than ``LONG`` horizons,
    whose origins overlap, only errors before the origin count. For 0, the end, all do. NaN for a model without any.
    """
    models, horizon, out = told.shape[1], told.shape[2], logs[0]
    seen, short = np.zeros(models), counts[0] < LONG * horizon
    most, least = 0.0, np.inf
    out[:] = 0.0
    for j in range(1, told.shape[0]):
        after = counts[j] - counts[origin]
        upto = min(max(-after, 0), horizon)
        since = horizon if short else min(max(horizon - after, upto), horizon)
        used = known[j, upto] + known[j, horizon] - known[j, since]
        most += used
        for k in range(models):
            if told[j, k, 0] == told[j, k, 0]:
                out[k] += sums[j, k, upto] + sums[j, k, horizon] - sums[j, k, since]
                seen[k] += used
    for k in range(models):
        out[k] = max(out[k] / seen[k], TINY) if seen[k] > 0.0 else np.nan
        if out[k] < least:
            least = out[k]
    nearest = np.inf
    for k in range(models):
        out[k] = min(np.log(out[k] / least), CAP) if seen[k] > 0.0 else np.nan
        if fit[origin, k] < nearest:
            nearest = fit[origin, k]
    for k in range(models):
        logs[1, k] = min(np.log(max(fit[origin, k], TINY) / max(nearest, TINY)), CAP)
        if fit[origin, k] != fit[origin, k]:
            logs[1, k] = np.nan
    return float(most / horizon)


def log_errors_all(told: Any, fit: Any, actual: Any, counts: Any, origin: int, out: Any) -> None:
    """``out`` (n, 2, K): :func:`log_errors` of every series at ``origin``."""
    for i in prange(len(told)):
        sums, known = np.empty((*told.shape[1:3], told.shape[3] + 1)), np.empty((told.shape[1], told.shape[3] + 1))
        error_sums(told[i], actual[i], sums, known)
        log_errors(told[i], fit[i], sums, known, counts[i], origin, out[i])


def combine_origin(told: Any, own: Any, seen: float, pool: Any, rule: Any, score: Any, out: Any) -> None:
    """``out`` (H,): the forecasts ``told`` (K, H) under soft weights.

    Weight of a model: exp(-sharpness x how much worse than in the pool it did here - trust x pool - fresh x how much
    worse than in the pool its errors of one step are), in log errors, ``own`` and of the ``pool`` (both (2, K)); the
    first is shrunk to nothing as if ``prior`` origins had shown the pool's. ``rule``: sharpness, prior, trust, fresh.
    """
    believed = rule[0] * seen / (seen + rule[1])
    models = pool.shape[1]
    least, total = np.inf, 0.0
    for k in range(models):
        score[k] = np.inf
        if told[k, 0] == told[k, 0] and pool[0, k] == pool[0, k]:
            worse = own[0, k] - pool[0, k] if own[0, k] == own[0, k] else 0.0
            late = own[1, k] - pool[1, k] if own[1, k] == own[1, k] else 0.0
            score[k] = believed * worse + rule[2] * pool[0, k] + rule[3] * late
            least = min(least, score[k])
    for k in range(models):
        score[k] = np.exp(least - score[k]) if score[k] < np.inf else 0.0
        total += score[k]
    kept, out[:] = 0.0, 0.0
    for k in range(models):
        kept += score[k] if score[k] > LIGHT * total else 0.0
    for k in range(models):
        if score[k] > LIGHT * total:
            for h in range(len(out)):
                out[h] += score[k] / kept * told[k, h]


def combine_all(told: Any, fit: Any, actual: Any, counts: Any, pool: Any, rule: Any, out: Any) -> None:
    """``out`` (n, J, H): every origin's forecasts under weights that never saw its own errors; NaN where none."""
    for i in prange(len(told)):
        own, score = np.empty(pool.shape), np.empty(pool.shape[1])
        sums, known = np.empty((*told.shape[1:3], told.shape[3] + 1)), np.empty((told.shape[1], told.shape[3] + 1))
        error_sums(told[i], actual[i], sums, known)
        for j in range(told.shape[1]):
            out[i, j] = np.nan
            if counts[i, j] > 0:
                seen = log_errors(told[i], fit[i], sums, known, counts[i], j, own)
                combine_origin(told[i, j], own, seen, pool, rule, score, out[i, j])


def losses_all(told: Any, fit: Any, actual: Any, counts: Any, origin: int, pool: Any, rules: Any, out: Any) -> None:
    """``out`` (n, R): mean absolute error at a backtest origin under each of ``rules`` (R, 4); NaN: no such origin."""
    for i in prange(len(told)):
        own, score, made = np.empty(pool.shape), np.empty(pool.shape[1]), np.empty(told.shape[3])
        out[i] = np.nan
        if counts[i, origin] == 0:
            continue
        sums, known = np.empty((*told.shape[1:3], told.shape[3] + 1)), np.empty((told.shape[1], told.shape[3] + 1))
        error_sums(told[i], actual[i], sums, known)
        seen = log_errors(told[i], fit[i], sums, known, counts[i], origin, own)
        for r in range(len(rules)):
            combine_origin(told[i, origin], own, seen, pool, rules[r], score, made)
            total, there = 0.0, 0.0
            for h in range(len(made)):
                gap = abs(made[h] - actual[i, origin, h])
                if gap == gap:
                    total += gap
                    there += 1.0
            out[i, r] = total / there if there > 0.0 else np.nan

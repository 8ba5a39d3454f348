"""Lempel-Ziv complexity."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

__all__ = ["lempel_ziv"]

MEDIAN, MEAN = 0, 1


def count_phrases(symbols: Sequence[Hashable]) -> int:
    """Phrases of a sequence, each the shortest that does not begin earlier in it (Lempel & Ziv 1976).

    An earlier occurrence may run into the phrase itself. The last phrase counts though it may be a repetition.
    The past is kept in a suffix automaton, so that this takes linear time.

    Examples
    --------
    >>> count_phrases("1001111011000010")  # 1 0 01 1110 1100 0010
    6
    """
    length, suffix = [0], [-1]
    leads: list[dict[Hashable, int]] = [{}]
    whole = phrase = so_far = phrases = 0
    for c in symbols:
        if c in leads[phrase]:
            phrase, so_far = leads[phrase][c], so_far + 1
        else:
            phrase, so_far, phrases = 0, 0, phrases + 1
        now = len(length)
        length.append(length[whole] + 1)
        suffix.append(0)
        leads.append({})
        p = whole
        while p >= 0 and c not in leads[p]:
            leads[p][c] = now
            p = suffix[p]
        if p >= 0:
            q = leads[p][c]
            if length[p] + 1 == length[q]:
                suffix[now] = q
            else:
                clone = len(length)
                length.append(length[p] + 1)
                suffix.append(suffix[q])
                leads.append(dict(leads[q]))
                while p >= 0 and leads[p].get(c) == q:
                    leads[p][c] = clone
                    p = suffix[p]
                suffix[q] = suffix[now] = clone
                if phrase == q and so_far <= length[clone]:
                    phrase = clone
        whole = now
    return phrases + (so_far > 0)


def lempel_ziv(x, kind, level, normalize):
    n = x.shape[1]
    if kind in (MEDIAN, MEAN):
        level = (np.median if kind == MEDIAN else np.mean)(x, axis=1, keepdims=True)
    phrases = np.array([count_phrases(above.tolist()) for above in x > level], float)
    return phrases / (n / np.log2(n)) if normalize else phrases

"""Recordings written as files, for tests of reading."""

import os
from pathlib import Path

import numpy as np
import pytest

SFREQ = 100
X = np.cumsum(np.random.default_rng(0).normal(size=(3, 500)), axis=1)
NAMES = ["Fz", "Cz", "Pz"]
EEGMAT = Path(os.environ.get("FASTEMO_DATA", ""), "eegmat")
needs_data = pytest.mark.skipif(not os.environ.get("FASTEMO_DATA"), reason="FASTEMO_DATA is not set")


def edf_bytes(x, names, units, sfreq=SFREQ, bdf=False):
    """A minimal EDF (BDF) file of records of one second, 1/64 (1/1024) units per count."""
    n_records = x.shape[1] // sfreq
    top, gain = (2**23, 1024) if bdf else (2**15, 64)

    def fields(width, values):
        return "".join(str(v).ljust(width) for v in values).encode("latin-1")

    n = len(x)
    head = b"\xffBIOSEMI" if bdf else fields(8, ["0"])
    head += fields(80, ["X X X X", "Startdate X X X X"]) + fields(8, ["01.01.20", "00.00.00", 256 * (n + 1)])
    head += fields(44, ["24BIT" if bdf else ""]) + fields(8, [n_records, 1]) + fields(4, [n])
    head += fields(16, names) + fields(80, [""] * n) + fields(8, units)
    for limit in (-top / gain, (top - 1) / gain, -top, top - 1):
        head += fields(8, [f"{limit:.8g}"[:8]] * n)
    head += fields(80, [""] * n) + fields(8, [sfreq] * n) + fields(32, [""] * n)
    counts = np.round(x[:, : n_records * sfreq] * gain).astype("<i4").reshape(n, n_records, sfreq)
    samples = counts.transpose(1, 0, 2).reshape(-1, 1).view("u1")[:, : 3 if bdf else 2]
    return head + samples.tobytes()


def write_csv(path, names=NAMES, delimiter=",", newline="\n", before=""):
    lines = [delimiter.join(names)] if names else []
    lines += [delimiter.join(f"{v:.17g}" for v in row) for row in X.T]
    path.write_text(before + newline.join(lines) + newline, encoding="utf-8", newline="")
    return path

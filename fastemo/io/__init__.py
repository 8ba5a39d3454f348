"""Files in and out: recordings from EDF, BDF, BrainVision, FIF, NumPy and CSV; manifests; predictions.

Everything comes out in microvolts. MNE (EDF, BDF, BrainVision, FIF) and pyarrow (Parquet) are needed only
for what they read and write: `pip install "fastemo[io]"`.
"""

from fastemo.io._collections import read_manifest, read_pattern
from fastemo.io._mne import from_mne
from fastemo.io._predictions import write_predictions
from fastemo.io._read import SUFFIXES, read, read_for

__all__ = [
    "SUFFIXES",
    "from_mne",
    "read",
    "read_for",
    "read_manifest",
    "read_pattern",
    "write_predictions",
]

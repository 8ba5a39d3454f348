"""Loaders of public data sets: recordings with labels, subjects and roles.

The data are not part of fastemo. Each loader takes the path of a file, or of a folder that holds it;
without one it looks in the folder that the environment variable FASTEMO_DATA names.
"""

from fastemo.datasets._eegmat import eegmat
from fastemo.datasets._haxby2001 import haxby2001
from fastemo.datasets._insight_eyes import insight_eyes

__all__ = ["eegmat", "haxby2001", "insight_eyes"]

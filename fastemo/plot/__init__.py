"""Pictures, by matplotlib (``pip install fastemo[plot]``): courses, connectivity, heads.

Every function returns a figure and writes it where `path` is given; none touches pyplot or its state.
"""

from fastemo.plot._connections import plot_circle, plot_dynamics, plot_matrix
from fastemo.plot._heads import plot_patterns, plot_topomap
from fastemo.plot._trace import plot_trace

__all__ = ["plot_circle", "plot_dynamics", "plot_matrix", "plot_patterns", "plot_topomap", "plot_trace"]

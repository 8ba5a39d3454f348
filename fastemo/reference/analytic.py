"""The ops of analytic signals, written to be read."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastemo.reference.connectivity import analytic
from fastemo.reference.kind import Kind, Slot

__all__ = ["Analytic", "Quadrature"]

N_PLANES = 7


class Instantaneous(Kind):
    """What analytic signals say: planes of bands of channels."""

    reads = "signal"
    before: np.ndarray
    measured: ClassVar = {
        "measures": (int, (1,)),
        "gain": (float, (1,)),
        "floor": (float, (1,)),
        "per_radian": (float, (1,)),
    }

    def planes(self, n_bands: int) -> Slot:
        self.require(0 < self.measures < 1 << N_PLANES, f"has measures {self.measures}, expected up to 127")
        self.require(self.floor >= 1e-300, f"has floor {self.floor}, expected at least 1e-300")
        self.n_bands = n_bands
        return Slot("signal", (self.measures.bit_count() * n_bands * self.inputs[0].shape[0],))

    def measure(self, z: np.ndarray) -> np.ndarray:
        """The planes of z (n_bands, n_channels, n) one upon another."""
        power = (z.real**2 + z.imag**2) / 2
        size = np.sqrt(2 * power)
        step = z * np.concatenate([self.before, z[..., :-1]], axis=-1).conj()
        self.before = z[..., -1:]
        scaled = self.gain * np.log(np.maximum(power, self.floor)) if self.gain else power
        planes = [z.real, z.imag, size, scaled]
        planes += [np.divide(part, size, out=np.zeros_like(part), where=power > 0) for part in planes[:2]]
        planes.append(self.per_radian * np.where(step == 0, 0, np.angle(step)))
        chosen = [plane for i, plane in enumerate(planes) if self.measures >> i & 1]
        return np.concatenate(chosen).reshape(-1, z.shape[-1])

    def reset(self):
        self.before = np.zeros((self.n_bands, self.inputs[0].shape[0], 1), complex)


class Analytic(Instantaneous):
    """Of a bank of causal filters with complex poles."""

    tensors: ClassVar = {
        "poles": (float, ("B", "N", 2)),
        "weights": (float, ("B", "N", 2)),
        "direct": (float, ("B", 2)),
        **Instantaneous.measured,
    }
    state: np.ndarray | None

    def slot(self):
        self.bank = [a[..., 0] + 1j * a[..., 1] for a in (self.poles, self.weights, self.direct)]
        self.require(bool((np.abs(self.bank[0]) < 1).all()), "has a pole outside the unit circle")
        return self.planes(len(self.poles))

    def process(self, x):
        poles, weights, direct = self.bank
        if self.state is None:
            self.state, self.offset = np.zeros((*poles.shape, len(x)), complex), x[:, :1].copy()
        return self.measure(analytic(poles, weights, direct, self.state, x - self.offset))

    def reset(self):
        super().reset()
        self.state = None


class Quadrature(Instantaneous):
    """Of two signals a quarter of a cycle apart, of which the first waits for the second."""

    n_inputs = 2
    tensors: ClassVar = {"delay": (int, (1,)), **Instantaneous.measured}
    past: np.ndarray | None

    def slot(self):
        self.require(0 <= self.delay <= 1 << 22, f"has delay {self.delay}, expected 0 to {1 << 22}")
        channels = [slot.shape[0] for slot in self.inputs]
        self.require(channels[0] == channels[1], f"reads signals of {channels[0]} and {channels[1]} channels")
        return self.planes(1)

    def process(self, x, turned):
        if self.past is None:
            self.past = np.repeat(x[:, :1], self.delay, axis=1)
        x = np.concatenate([self.past, x], axis=1)
        n = turned.shape[1]
        self.past = x[:, n:]
        return self.measure((x[:, :n] + 1j * turned)[None])

    def reset(self):
        super().reset()
        self.past = None

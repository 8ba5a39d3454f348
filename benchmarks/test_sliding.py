"""Band powers of windows that hardly move: running sums of DFT bins against our own transform of every window."""

import numpy as np
import peers
import pytest

import fastemo as fe

BANDS = dict(zip(("delta", "theta", "alpha", "beta", "gamma"), peers.BANDS, strict=True))


def engine(method, hop, length=2.0):
    names = [f"ch{c}" for c in range(64)]
    stages = [fe.Window(length, hop / peers.SFREQ), fe.BandPower(BANDS, method)]
    return fe.Pipeline(stages, sfreq=peers.SFREQ, ch_names=names, check_unit=False).engine()


@pytest.mark.parametrize(("hop", "goal"), [(1, None), (10, 5), (25, None), (50, None), (100, None)])
def test_sliding_bands(versus, hop, goal):
    x = 10 * np.random.default_rng(0).standard_normal((64, 20_000)) + 30
    sliding, fft = engine("sliding", hop), engine("fft", hop)
    np.testing.assert_allclose(sliding.push_array(x)["outputs"], fft.push_array(x)["outputs"], rtol=1e-10)
    chunk = np.ascontiguousarray(x[:, : max(100, hop)])
    versus(
        f"sliding bands, 64 ch, 2 s window at {peers.SFREQ:g} Hz, hop {hop}, per {chunk.shape[1]} samples",
        lambda: sliding.push_array(chunk),
        own_fft=(lambda: fft.push_array(chunk), goal),
    )

"""Weighted symbolic mutual information, against mne-connectivity."""

import re
import warnings

import numpy as np
import pytest

from fastemo.connectivity import wsmi


def epochs(n_epochs=3, n_channels=4, n=600, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_epochs, n_channels, n))
    x[:, 1, 5:] += 2 * x[:, 0, :-5]
    return x


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(("kernel", "tau"), [(3, 1), (3, 4), (4, 2), (2, 3)])
def test_the_toolbox_agrees(weighted, kernel, tau):
    peer = pytest.importorskip("mne_connectivity")
    if not hasattr(peer, "wsmi"):
        pytest.skip("mne-connectivity without wsmi")
    x = epochs()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = peer.wsmi(
            x, kernel=kernel, tau=tau, sfreq=200.0, weighted=weighted, anti_aliasing=False, verbose="error"
        )
    expected = theirs.get_data("dense").reshape(3, 4, 4)
    found = wsmi(x, 200.0, kernel=kernel, tau=tau, weighted=weighted, anti_aliasing=False)
    rows, columns = np.tril_indices(4, -1)
    np.testing.assert_allclose(found[:, rows, columns], expected[:, rows, columns], rtol=1e-9, atol=1e-12)


def test_copies_and_opposites_do_not_count():
    x = epochs()
    x[:, 2], x[:, 3] = x[:, 0], -x[:, 0]
    found = wsmi(x, 200.0, tau=2)
    np.testing.assert_allclose(found[:, 0, 2:], 0, atol=1e-12)
    assert (wsmi(x, 200.0, tau=2, weighted=False)[:, 0, 2:] > 0.9).all()
    np.testing.assert_array_equal(found, np.swapaxes(found, 1, 2))
    np.testing.assert_allclose(wsmi(x * 1e-6, 200.0, tau=2), found, atol=1e-12)


def test_a_lag_is_seen_and_the_low_pass_is_applied():
    x = epochs(n=4000)
    found = wsmi(x, 200.0, tau=5)
    assert (found[:, 0, 1] > 3 * found[:, 0, 2]).all()
    assert not np.allclose(found, wsmi(x, 200.0, tau=5, anti_aliasing=False))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": 1}, "kernel must be a whole number from 2 to 5"),
        ({"kernel": 6}, "kernel must be a whole number from 2 to 5"),
        ({"tau": 0}, "tau must be a whole number"),
        ({"tau": 300}, "a symbol of 3 samples 300 apart spans 601"),
        ({"sfreq": 0}, "sfreq must be"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wsmi(epochs(), **{"sfreq": 200.0, **options})


def test_bad_signals():
    x = epochs()
    x[0, 1, 5] = np.nan
    with pytest.raises(ValueError, match="1 NaN"):
        wsmi(x, 200.0)
    x[0, 1] = 1
    with pytest.raises(ValueError, match="flat"):
        wsmi(x, 200.0)

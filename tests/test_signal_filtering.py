"""filter_data and notch_filter: MNE's numbers, at the ends too."""

import numpy as np
import pytest

import fastemo as fe

RNG = np.random.default_rng(0)
X = np.cumsum(RNG.standard_normal((3, 2, 6000)), axis=-1) + 50


def mne_filter():
    mne = pytest.importorskip("mne")
    mne.set_log_level("ERROR")
    return mne.filter


@pytest.mark.filterwarnings("ignore:filter_length:RuntimeWarning")
@pytest.mark.parametrize("n", [1, 2, 100, 824, 825, 826, 1647, 1651, 1652, 3000, 6000])
@pytest.mark.parametrize("phase", ["zero", "minimum"])
def test_is_that_of_mne(n, phase):
    x = np.ascontiguousarray(X[..., :n])
    wanted = mne_filter().filter_data(x, 250.0, 1, 45, phase=phase)
    got = fe.signal.filter_data(x, 250, 1, 45, phase=phase)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("edges", "options"),
    [
        ((None, 40), {}),
        ((0.5, None), {"filter_length": "10s"}),
        ((30, 10), {}),
        ((8, 13), {"l_trans_bandwidth": 1.5, "h_trans_bandwidth": 1.0, "fir_window": "hann"}),
    ],
)
def test_every_design(edges, options):
    wanted = mne_filter().filter_data(X, 250.0, *edges, **options)
    np.testing.assert_allclose(fe.signal.filter_data(X, 250, *edges, **options), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("freqs", "options"), [(50, {}), ([50, 100], {"notch_widths": 1.0}), (60.0, {"trans_bandwidth": 3})]
)
def test_notch_is_that_of_mne(freqs, options):
    wanted = mne_filter().notch_filter(X, 250.0, freqs, **options)
    np.testing.assert_allclose(fe.signal.notch_filter(X, 250, freqs, **options), wanted, rtol=1e-9, atol=1e-9)


def test_two_filters_in_one_are_one_after_the_other():
    both = fe.signal.filter_data(X, 250, 4, 45, notch_freqs=50)
    one = fe.signal.notch_filter(fe.signal.filter_data(X, 250, 4, 45), 250, 50)
    np.testing.assert_allclose(both[..., 2000:-2000], one[..., 2000:-2000], rtol=0, atol=1e-9)


def test_no_edges_pass_everything():
    np.testing.assert_array_equal(fe.signal.filter_data(X, 250, None, None), X)


def test_float32_threads_layout_and_out():
    wanted = fe.signal.filter_data(X, 250, 1, 45)
    single = fe.signal.filter_data(X.astype(np.float32), 250, 1, 45)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, wanted, atol=1e-3)
    assert fe.signal.filter_data(X, 250, 1, 45, threads=3).tobytes() == wanted.tobytes()
    out = np.empty_like(X)
    assert fe.signal.filter_data(X, 250, 1, 45, out=out) is out
    assert out.tobytes() == wanted.tobytes()
    turned = np.asfortranarray(X)
    assert fe.signal.filter_data(turned, 250, 1, 45).tobytes() == wanted.tobytes()
    same = X.copy()
    assert fe.signal.filter_data(same, 250, 1, 45, out=same).tobytes() == wanted.tobytes()
    counts = (100 * X).astype(np.int32)
    np.testing.assert_allclose(fe.signal.filter_data(counts, 250, 1, 45), 100 * wanted, atol=2)


def test_without_the_core_scipy_convolves(monkeypatch):
    from fastemo.signal import _filtering

    wanted = fe.signal.filter_data(X, 250, 1, 45)
    monkeypatch.setattr(_filtering, "_convolve", lambda *arguments: NotImplemented)
    np.testing.assert_allclose(fe.signal.filter_data(X, 250, 1, 45), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f.filter_data(X, 250, 1, 125), ValueError, "below the Nyquist frequency of 125"),
        (lambda f: f.filter_data(X, -1, 1, 45), ValueError, "sfreq"),
        (lambda f: f.filter_data(X, 250, 1, 45, filter_length=11), ValueError, "needs 825"),
        (lambda f: f.filter_data(X, 250, 1, 45, filter_length="ten"), ValueError, "filter_length"),
        (lambda f: f.filter_data(X, 250, 1, 45, filter_length=0), ValueError, "at least one tap"),
        (lambda f: f.filter_data(X, 250, 1, 45, phase="linear"), ValueError, "phase"),
        (lambda f: f.filter_data(X, 250, 1, 45, l_trans_bandwidth=-1.0), ValueError, "l_trans_bandwidth"),
        (lambda f: f.filter_data(X + 1j, 250, 1, 45), ValueError, "data must be real"),
        (lambda f: f.filter_data(np.ones((2, 0)), 250, 1, 45), ValueError, "data must be real"),
        (lambda f: f.filter_data(X, 250, 1, 45, threads=0), ValueError, "threads"),
        (lambda f: f.filter_data(X, 250, 1, 45, out=np.ones(3)), ValueError, "out has shape"),
        (lambda f: f.filter_data(X, 250, 1, 45, method="iir"), TypeError, "method"),
        (lambda f: f.notch_filter(X, 250, []), ValueError, "freqs"),
        (lambda f: f.notch_filter(X, 250, 50, notch_widths=-1), ValueError, "notch_widths"),
        (lambda f: f.notch_filter(X, 250, [50, 50.2]), ValueError, "overlap"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call(fe.signal)

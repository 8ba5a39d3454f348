"""Autoregressive models and the measures of direction, against statsmodels, MNE and signals whose truth is known."""

import re

import numpy as np
import pytest

from fastemo.connectivity import (
    DIRECTED,
    directed_connectivity,
    fit_autoregression,
    granger,
    transfer_entropy,
)

SFREQ = 200.0
# 0 -> 1 -> 2, each with a rhythm of its own.
A1 = np.array([[0.9, 0, 0], [0.5, 0.7, 0], [0, 0.4, 0.5]])
A2 = np.array([[-0.6, 0, 0], [0, -0.4, 0], [0, 0, -0.3]])


def system(n=4000, seed=0, size=(1.0, 2.0, 0.5)):
    rng = np.random.default_rng(seed)
    x, noise = np.zeros((3, n + 200)), np.array(size)[:, None] * rng.standard_normal((3, n + 200))
    for t in range(2, n + 200):
        x[:, t] = A1 @ x[:, t - 1] + A2 @ x[:, t - 2] + noise[:, t]
    return x[:, 200:]


@pytest.fixture(scope="module")
def x():
    return system()


def test_coefficients_are_found(x):
    model = fit_autoregression(x, 2)
    np.testing.assert_allclose(model.coefficients, [A1, A2], atol=0.06)
    np.testing.assert_allclose(model.noise, np.diag([1, 4, 0.25]), atol=0.15)
    assert 0.6 < model.radius < 1
    assert fit_autoregression(x).order == 2


def test_statsmodels_agrees(x):
    api = pytest.importorskip("statsmodels.tsa.api")
    centred = x - x.mean(axis=1, keepdims=True)
    theirs = api.VAR(centred.T).fit(3, trend="n")
    ours = fit_autoregression(x, 3)
    np.testing.assert_allclose(ours.coefficients, theirs.coefs, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ours.noise, theirs.sigma_u_mle, rtol=1e-8)


def test_epochs_are_pooled(x):
    """Equations of all epochs, none across their borders."""
    cut = x[:, :2000].reshape(3, 4, 500).swapaxes(0, 1)
    model = fit_autoregression(cut, 2)
    assert model.n_equations == 4 * 498
    rows, targets = [], []
    for epoch in cut - cut.mean(axis=-1, keepdims=True):
        rows.append(np.concatenate([epoch[:, 1:-1], epoch[:, :-2]]).T)
        targets.append(epoch[:, 2:].T)
    expected = np.linalg.lstsq(np.concatenate(rows), np.concatenate(targets), rcond=None)[0].T
    np.testing.assert_allclose(np.concatenate(model.coefficients, axis=1), expected, atol=1e-10)


def test_directions(x):
    """The measures that look through mediators see the two links; those that follow paths see 0 -> 2 too."""
    result = directed_connectivity(x, SFREQ, {"all": (1, 99)}, methods=DIRECTED, order=2)
    for m in ("pdc", "gpdc", "ffpdc", "pdcf", "ddtf"):
        found = result.dense(m)[..., 0]
        links = found[0, 1], found[1, 2]
        others = [found[1, 0], found[2, 0], found[2, 1], found[0, 2]]
        assert min(links) > 3 * max(others), m
    for m in ("dtf", "gdtf", "ffdtf", "granger"):
        found = result.dense(m)[..., 0]
        assert min(found[0, 1], found[1, 2]) > 3 * max(found[1, 0], found[2, 0], found[2, 1]), m


def test_definitions(x):
    model = fit_autoregression(x, 2)
    f = 17.0
    a = np.eye(3, dtype=complex)
    for k, of_lag in enumerate(model.coefficients, 1):
        a -= of_lag * np.exp(-2j * np.pi * f * k / SFREQ)
    np.testing.assert_allclose(model.inverse_transfer([f], SFREQ)[0], a, rtol=1e-12)
    h, sd = np.linalg.inv(a), np.sqrt(np.diag(model.noise))
    g = a.conj().T @ np.linalg.inv(model.noise) @ a
    n_fft = 400
    all_a = model.inverse_transfer(np.arange(201) * SFREQ / n_fft, SFREQ)
    all_h = np.linalg.inv(all_a)
    s = h @ model.noise @ h.conj().T
    result = directed_connectivity(x, SFREQ, fmin=f, fmax=f, methods=DIRECTED, order=2, n_fft=n_fft)
    for i in range(3):
        for j in range(3):
            if i == j:
                continue
            ffdtf = abs(h[i, j]) / np.sqrt((np.abs(all_h[:, i]) ** 2).sum())
            expected = {
                "pdc": abs(a[i, j]) / np.linalg.norm(a[:, j]),
                "gpdc": abs(a[i, j]) / sd[i] / np.linalg.norm(a[:, j] / sd),
                "ffpdc": abs(a[i, j]) / np.sqrt((np.abs(all_a[:, :, j]) ** 2).sum()),
                "pdcf": abs(a[i, j]) / np.sqrt(g[j, j].real),
                "coh": abs(s[i, j]) / np.sqrt(s[i, i].real * s[j, j].real),
                "pcoh": abs(g[i, j]) / np.sqrt(g[i, i].real * g[j, j].real),
                "dtf": abs(h[i, j]) / np.linalg.norm(h[i]),
                "gdtf": abs(h[i, j]) * sd[j] / np.linalg.norm(h[i] * sd),
                "ffdtf": ffdtf,
                "ddtf": ffdtf * abs(g[i, j]) / np.sqrt(g[i, i].real * g[j, j].real),
            }
            for m, value in expected.items():
                assert result.dense(m)[j, i, 0] == pytest.approx(value, rel=1e-9), m


def test_coherence_of_the_model_is_that_of_the_spectra(x):
    """Of 20 000 samples by a model and by Welch's segments: within their scatter, and the same both ways."""
    from scipy.signal import coherence

    found = directed_connectivity(x, SFREQ, fmin=10, fmax=90, methods=["coh", "pcoh"], order=2)
    for m in ("coh", "pcoh"):
        dense = found.dense(m)[..., 0]
        np.testing.assert_allclose(dense, dense.T, rtol=1e-12)
    for i, j in ((0, 1), (1, 2), (0, 2)):
        f, squared = coherence(x[i], x[j], SFREQ, nperseg=128)
        expected = np.sqrt(squared[(f >= 10) & (f <= 90)]).mean()
        assert found.dense("coh")[i, j, 0] == pytest.approx(expected, abs=0.05)
    # What goes through the second channel is no link once that is known.
    assert found.dense("pcoh")[0, 2, 0] < 0.05 < 0.2 < found.dense("coh")[0, 2, 0]


def test_units_of_channels_do_not_matter_where_they_should_not(x):
    scaled = x * np.array([[1e-6], [1e3], [1.0]])
    for m in ("gpdc", "gdtf", "granger"):
        one, two = (
            directed_connectivity(s, SFREQ, {"a": (8, 13)}, methods=m, order=2)[m] for s in (x, scaled)
        )
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(granger(x, 2), granger(scaled, 2), rtol=1e-6, atol=1e-9)


def test_spectral_causality_averages_to_the_one_in_time():
    """Geweke: the mean over frequencies is the causality in time."""
    x = system()[:2]
    f = granger(x, 2)
    result = directed_connectivity(x, SFREQ, fmin=0, fmax=100, methods="granger", order=2, n_fft=2048)
    assert result.dense("granger")[0, 1, 0] == pytest.approx(f[1, 0], rel=0.02)
    assert abs(result.dense("granger")[1, 0, 0] - f[0, 1]) < 0.002


def test_granger_is_conditional(x):
    """0 leads 2 through 1 alone."""
    f = granger(x, 2)
    assert f[1, 0] > 0.1
    assert f[2, 1] > 0.1
    assert max(f[0, 1], f[0, 2], f[1, 2], f[2, 0]) < 0.005
    np.testing.assert_allclose(transfer_entropy(x, 2), f / 2)
    assert granger(x[[0, 2]], 4)[1, 0] > 0.02  # without 1 in the model it does


def test_granger_of_unrelated_channels_is_chi_square():
    from scipy.stats import chi2

    rng = np.random.default_rng(0)
    values = [498 * granger(rng.standard_normal((2, 500)), 2)[0, 1] for _ in range(300)]
    assert np.mean(np.array(values) > chi2.ppf(0.95, 2)) < 0.1
    assert np.mean(values) == pytest.approx(2, abs=0.4)


def test_too_little(x):
    with pytest.raises(
        ValueError, match="order 40 of 3 channels has 120 unknowns per channel, but x gives 60 equations"
    ):
        fit_autoregression(x[:, :100], 40)
    with pytest.warns(RuntimeWarning, match="38 samples for 6 coefficients per channel"):
        fit_autoregression(x[:, :40], 2)
    copies = np.vstack([x, x[:1]])
    with pytest.raises(ValueError, match="copies or sums of others"):
        fit_autoregression(copies, 2)
    with pytest.raises(ValueError, match="copies or sums of others"):
        fit_autoregression(x - x.mean(axis=0), 2)


def test_an_unstable_model_is_said_to_be_one():
    t = np.arange(400)
    x = np.exp(t / 100) * np.sin(t / 5) + 0.01 * np.random.default_rng(0).standard_normal((2, 400))
    with pytest.warns(RuntimeWarning, match="the model is not stable"):
        fit_autoregression(x, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": "pcd"}, "did you mean 'pdc'"),
        ({"methods": []}, "methods is empty"),
        ({"order": 0}, "order must be a whole number"),
        ({"n_fft": 8}, "none in the band"),
        ({"bands": None}, "pass bands"),
        ({"ch_names": ["a"]}, "ch_names has 1 names"),
    ],
)
def test_bad_arguments(x, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        directed_connectivity(x, SFREQ, **{"bands": {"alpha": (8, 13)}, **options})


def test_bad_signals(x):
    bad = x.copy()
    bad[1, 5] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        granger(bad)
    bad[1] = 3
    with pytest.raises(ValueError, match="flat"):
        granger(bad)

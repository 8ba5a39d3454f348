"""Connectivity that changes, and the states of the brain that it passes through."""

import numpy as np
import pytest

from fastemo import fmri

PAIR = (0, 1)


@pytest.fixture
def x(rng):
    mixing = rng.normal(size=(5, 5))
    return mixing @ rng.normal(size=(5, 150)) + 100


def switching(rng, n=900):
    """Two regions whose correlation is 0.8 in every other block of 150 samples, and 0 between."""
    rho = np.repeat(np.tile([0.8, 0.0], n // 300), 150)
    x = rng.standard_normal((2, n))
    x[1] = rho * x[0] + np.sqrt(1 - rho**2) * x[1]
    return x, rho


def test_the_taper_is_a_smoothed_rectangle():
    taper = fmri.gaussian_taper(22, 3.0)
    assert taper.sum() == pytest.approx(1)
    np.testing.assert_allclose(taper, taper[::-1], rtol=1e-14)
    assert (np.diff(taper[:11]) > 0).all()
    lags = np.arange(-40, 41)
    smooth = np.convolve(np.ones(22), np.exp(-0.5 * (lags / 3.0) ** 2))[40:-40]
    np.testing.assert_allclose(taper, smooth / smooth.sum(), rtol=1e-12)
    np.testing.assert_array_equal(fmri.gaussian_taper(4, 0), np.full(4, 0.25))


def test_a_window_without_taper_is_its_correlation(x):
    got = fmri.sliding_connectivity(x, 30, 7, sigma=0)
    assert got.shape == (18, 5, 5)
    for k, matrix in enumerate(got):
        np.testing.assert_allclose(matrix, np.corrcoef(x[:, 7 * k : 7 * k + 30]), rtol=1e-10, atol=1e-12)
    cov = fmri.sliding_connectivity(x, 30, 7, sigma=0, kind="covariance")[3]
    np.testing.assert_allclose(cov, np.cov(x[:, 21:51], bias=True), rtol=1e-10)


def test_tapered_correlation_is_the_formula(x):
    w = fmri.gaussian_taper(22, 3.0)
    got = fmri.sliding_connectivity(x, 22)[17]
    np.testing.assert_allclose(got, _weighted(x[:, 17:39], w), rtol=1e-10, atol=1e-12)


def _weighted(x, w):
    d = x - (x @ w)[:, None]
    cov = (d * w) @ d.T
    return cov / np.sqrt(np.outer(np.diag(cov), np.diag(cov)))


def test_sliding_agrees_with_nilearn(x):
    connectome = pytest.importorskip("nilearn.connectome")
    covariance = pytest.importorskip("sklearn.covariance")
    measure = connectome.ConnectivityMeasure(
        covariance.EmpiricalCovariance(), kind="correlation", standardize=False
    )
    windows = [x[:, i : i + 40].T for i in range(0, 111, 10)]
    theirs = measure.fit_transform(windows)
    np.testing.assert_allclose(fmri.sliding_connectivity(x, 40, 10, sigma=0), theirs, rtol=1e-9, atol=1e-12)


def test_exponential_weights(x):
    decay = 0.95
    got = fmri.exponential_connectivity(x, decay)
    covariances = fmri.exponential_connectivity(x, decay, kind="covariance")
    for n in (3, 50, 150):
        w = decay ** np.arange(n)[::-1]
        w /= w.sum()
        np.testing.assert_allclose(got[n - 1], _weighted(x[:, :n], w), rtol=1e-9, atol=1e-11)
        d = x[:, :n] - (x[:, :n] @ w)[:, None]
        np.testing.assert_allclose(covariances[n - 1], (d * w) @ d.T, rtol=1e-9, atol=1e-10)
    assert np.isnan(got[0]).all()


@pytest.mark.parametrize(
    "make",
    [lambda: fmri.SlidingConnectivity(5, 22), lambda: fmri.ExponentialConnectivity(5, 0.96)],
)
@pytest.mark.parametrize("size", [1, 7, 150])
def test_chunks_do_not_matter(x, make, size):
    whole = make().process(x)
    live = make()
    parts = [live.process(x[:, i : i + size]) for i in range(0, 150, size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    live.reset()
    np.testing.assert_array_equal(live.process(x), whole)


def test_a_region_that_stands_still_has_no_correlation(x):
    x[2] = 4.0
    for matrix in (fmri.sliding_connectivity(x, 22)[0], fmri.exponential_connectivity(x, 0.9)[-1]):
        assert np.isnan(matrix[2]).all()
        assert np.isnan(matrix[:, 2]).all()
        assert np.isfinite(np.delete(np.delete(matrix, 2, 0), 2, 1)).all()


def test_changes_are_followed(rng):
    x, rho = switching(rng)
    late = np.arange(900) % 150 >= 75  # once a window of 50 lies within a block
    for found in (
        np.r_[np.full(49, np.nan), fmri.sliding_connectivity(x, 50)[:, 0, 1]],
        fmri.exponential_connectivity(x, 0.96)[:, 0, 1],
        fmri.DCC.fit(x).transform(x)[:, 0, 1],
    ):
        assert found[late & (rho > 0)].mean() > 0.6
        assert abs(found[late & (rho == 0)].mean()) < 0.25


def test_edges_average_to_the_correlation(x):
    edges = fmri.edge_time_series(x)
    assert edges.shape == (10, 150)
    np.testing.assert_allclose(edges.mean(axis=1), fmri.pair_vectors(np.corrcoef(x)), rtol=1e-10, atol=1e-13)


def test_dcc_recovers_volatility_and_is_causal(rng):
    n = 3000
    y, s = np.empty((2, n)), np.ones(2)
    for t in range(n):
        y[:, t] = np.sqrt(s) * rng.standard_normal(2)
        s = 0.1 + 0.15 * y[:, t] ** 2 + 0.75 * s
    model = fmri.DCC.fit(y)
    # Standard errors of these estimates are about 0.02 and 0.04 at this length.
    np.testing.assert_allclose(model.garch[:, 1], 0.15, atol=0.06)
    np.testing.assert_allclose(model.garch[:, 2], 0.75, atol=0.12)
    assert model.alpha < 0.05  # nothing moves their correlation
    whole = model.transform(y[:, :50])
    changed = y[:, :50].copy()
    changed[:, 30:] *= 5
    np.testing.assert_array_equal(model.transform(changed)[:31], whole[:31])
    assert np.abs(model.transform(changed)[31:] - whole[31:]).max() > 0
    step = model.stream()
    np.testing.assert_array_equal(np.stack([step(v) for v in y[:, :50].T]), whole)


def test_dcc_of_many_regions(rng):
    x = rng.standard_normal((25, 120))
    r = fmri.DCC.fit(x).transform(x)
    assert r.shape == (120, 25, 25)
    np.testing.assert_allclose(np.diagonal(r, axis1=1, axis2=2), 1)
    assert np.linalg.eigvalsh(r[60]).min() > -1e-9


def test_states_are_found(rng):
    truth = np.repeat(rng.integers(0, 3, 40), 15)
    centres = np.kron(np.eye(3), np.ones(4))
    x = centres[truth].T * 1.5 + 0.4 * rng.standard_normal((12, 600)) + 20
    states = fmri.CoactivationStates.fit(x, 3)
    found = states.assign(x)
    table = np.zeros((3, 3), int)
    np.add.at(table, (truth[found >= 0], found[found >= 0]), 1)
    assert table.max(axis=1).sum() > 0.97 * table.sum()
    assert sorted(table.argmax(axis=1)) == [0, 1, 2]
    parts = [states.assign(x[:, i : i + 1]) for i in range(600)]
    np.testing.assert_array_equal(np.concatenate(parts), found)
    again = fmri.CoactivationStates.fit(x, 3)
    np.testing.assert_array_equal(again.patterns, states.patterns)


def test_xarray(x):
    pytest.importorskip("xarray")
    r = fmri.sliding_connectivity(x, 30, 10)
    found = fmri.to_xarray(r, list("abcde"), 2.0 * np.arange(13))
    assert found.dims == ("time", "seed", "target")
    assert float(found.sel(time=6.0, seed="a", target="d")) == r[3, 0, 3]
    with pytest.raises(ValueError, match="one per window"):
        fmri.to_xarray(r, list("abcde"), [1.0])
    with pytest.raises(ValueError, match=r"\(n_windows, 4, 4\)"):
        fmri.to_xarray(r, list("abcd"))


def test_occupancy():
    states = fmri.CoactivationStates(np.eye(3), np.zeros(3), np.ones(3), 0.0)
    got = states.occupancy([0, 0, 1, 1, 1, -1, 0, 1])
    np.testing.assert_allclose(got["share"], [3 / 8, 4 / 8, 0])
    np.testing.assert_allclose(got["dwell"][:2], [1.5, 2])
    assert np.isnan(got["dwell"][2])
    assert got["transitions"].tolist() == [[1, 2, 0], [0, 2, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="-1 to 2"):
        states.occupancy([0, 3])


def test_resting_regions_of_nitime(data_folder):
    """Homologous regions of the two sides go together more than others, in nearly every window."""
    path = data_folder / "nitime" / "fmri_timeseries.csv"
    names = path.read_text().splitlines()[0].replace('"', "").split(",")
    x = np.genfromtxt(path, delimiter=",", skip_header=1).T
    regions = [n for n in names if f"R{n[1:]}" in names and n[0] == "L"]
    left, right = ([names.index(side + n[1:]) for n in regions] for side in "LR")
    r = fmri.sliding_connectivity(x[left + right], 32, 4)
    n = len(regions)
    across = r[:, :n, n:]
    same = np.diagonal(across, axis1=1, axis2=2).mean(axis=1)
    others = (across.sum(axis=(1, 2)) - same * n) / (n * n - n)
    assert len(regions) >= 10
    assert np.mean(same > others + 0.1) > 0.9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: fmri.sliding_connectivity(x, 1), "length must be a whole number of at least 2"),
        (lambda x: fmri.sliding_connectivity(x, 200), "fewer than one window"),
        (lambda x: fmri.sliding_connectivity(x, 20, 0), "step must be"),
        (lambda x: fmri.sliding_connectivity(x, 20, kind="r"), "kind must be one of"),
        (lambda x: fmri.sliding_connectivity(x[0], 20), r"\(n_regions, n_samples\)"),
        (lambda x: fmri.sliding_connectivity(np.where(x > 100, np.nan, x), 20), "must be finite"),
        (lambda x: fmri.exponential_connectivity(x, 1.0), "between 0 and 1"),
        (lambda x: fmri.ExponentialConnectivity(4, 0.9).process(x), "must have 4 rows"),
        (lambda x: fmri.pair_vectors(x), r"\(\.\.\., n, n\)"),
        (lambda x: fmri.DCC.fit(x[:, :20]), "50 samples"),
        (lambda x: fmri.DCC.fit(np.vstack([x, np.ones(150)])), "stand still"),
        (lambda x: fmri.DCC.fit(x).stream()(x[:3, 0]), "sample must have shape"),
        (lambda x: fmri.CoactivationStates.fit(x, 60, share=0.1), "too few for 60 states"),
        (lambda x: fmri.CoactivationStates.fit(x, 3, share=1.5), "share must be"),
        (lambda x: fmri.CoactivationStates.fit(np.vstack([x, np.ones(150)]), 2), "stand still"),
    ],
)
def test_what_does_not_fit_is_refused(x, call, message):
    with pytest.raises(ValueError, match=message):
        call(x)


def test_surrogates_keep_spectra_and_correlations(x):
    for n in (150, 149):
        y = fmri.phase_randomized(x[:, :n], seed=3)
        np.testing.assert_allclose(
            np.abs(np.fft.rfft(y)), np.abs(np.fft.rfft(x[:, :n])), rtol=1e-8, atol=1e-8
        )
        np.testing.assert_allclose(np.corrcoef(y), np.corrcoef(x[:, :n]), rtol=1e-8, atol=1e-10)
        assert np.abs(y - x[:, :n]).max() > 1


def test_changes_are_told_from_chance(rng):
    x, _ = switching(rng)
    assert fmri.dynamics_test(x, 40, 10, n_surrogates=60).p_any == pytest.approx(1 / 61)
    # Stationary regions of slow, correlated signals: p values are those of chance.
    found = []
    for seed in range(30):
        y = np.random.default_rng(seed).standard_normal((3, 240))
        y = np.apply_along_axis(np.convolve, 1, y, np.ones(4), "same")
        y[1] += y[0]
        found.append(fmri.dynamics_test(y, 22, 6, n_surrogates=19, seed=seed).p_any)
    # Binomial(30, 0.1) exceeds 8 once in 500 times.
    assert sum(p <= 0.1 for p in found) <= 8
    assert np.median(found) > 0.2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: fmri.dynamics_test(x[:1], 20), "2 regions"),
        (lambda x: fmri.dynamics_test(x, 150), "changes take at least 2"),
        (lambda x: fmri.dynamics_test(np.vstack([x, np.ones(150)]), 20), "stands still"),
        (lambda x: fmri.dynamics_test(x, 20, n_surrogates=0), "n_surrogates"),
    ],
)
def test_dynamics_test_refuses(x, call, message):
    with pytest.raises(ValueError, match=message):
        call(x)


def test_tangent_space_is_nilearns(rng):
    connectome = pytest.importorskip("nilearn.connectome")
    from sklearn.covariance import LedoitWolf

    from fastemo import riemann

    runs = np.array([rng.normal(size=(6, 6)) @ rng.normal(size=(6, 60)) for _ in range(8)])
    measure = connectome.ConnectivityMeasure(LedoitWolf(), kind="tangent", standardize=False)
    theirs = measure.fit_transform(list(runs.transpose(0, 2, 1)))
    cov = riemann.covariances(runs, "lwf")
    ours = riemann.unupper(riemann.tangent_space(cov, riemann.mean_riemann(cov)))
    # Their mean stops at a gradient of 1e-7.
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_connectivity_is_decoded_in_the_tangent_space_live(rng):
    """Two states that differ in nothing but which regions go together, seen from unseen runs and live."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from fastemo import riemann

    def run(state, n):
        x = rng.normal(size=(6, n))
        shared = rng.normal(size=n)
        x[[0, 1] if state else [2, 3]] += shared
        return x / x.std(axis=1, keepdims=True)

    states = np.tile([0, 1], 20)
    windows = np.array([run(s, 40) for s in states])
    decoder = make_pipeline(riemann.TangentSpace(), LogisticRegression(C=0.1))
    decoder.fit(riemann.covariances(windows, "lwf"), states)
    unseen = np.hstack([run(0, 200), run(1, 200)])
    live = fmri.SlidingConnectivity(6, 40, kind="covariance")
    found = np.concatenate([decoder.predict(c) for v in unseen.T if len(c := live.process(v[:, None]))])
    ends = np.arange(39, 400)
    within = (ends < 200) | (ends >= 239)
    assert np.mean(found[within] == (ends[within] >= 200)) > 0.85


def test_a_pipeline_decodes_connectivity_one_volume_per_push(rng):
    """Runs of blocks that differ in nothing but which regions go together, behind drift and motion."""
    import fastemo as fe

    def session(number):
        x, motion = rng.normal(size=(6, 480)), np.cumsum(rng.normal(size=480)) / 20
        labels = ["a", "b", "a", "b"]
        for k, label in enumerate(labels):
            x[[0, 1] if label == "a" else [2, 3], 120 * k : 120 * (k + 1)] += rng.normal(size=120)
        x += 500 + np.linspace(0, 20, 480) + 5 * motion
        events = [(240 * k, 240, label) for k, label in enumerate(labels)]
        names = [*(f"region{i}" for i in range(6)), "motion"]
        return fe.Recording(
            np.vstack([x, motion]), 0.5, names, "1", events=events, session=number, subject="s"
        )

    runs = [session(k) for k in range(4)]
    cleaning = [
        fe.RegressOut(["motion"], trend=True, tau=200),
        fe.RunningStandardize(tau=200),
        fe.Quality(flat=60),
    ]
    pipe = fe.Pipeline(
        [*cleaning, fe.Window(60, 10), fe.Covariance("lwf"), fe.TangentSpace(), fe.LDA()], unit="1"
    )
    assert fe.evaluate(pipe, runs, by="session").accuracy > 0.8
    pipe.fit(runs[:3])
    whole = pipe.engine().push_array(runs[3].data)
    engine = pipe.engine()
    volumes = [engine.push_array(np.ascontiguousarray(v[:, None])) for v in runs[3].data.T]
    np.testing.assert_array_equal(np.concatenate(volumes)["outputs"], whole["outputs"])

"""Pictures show the values they are given, where they belong."""

import numpy as np
import pytest

import fastemo as fe
from fastemo.patterns import Explanation

pytest.importorskip("matplotlib")
from fastemo import plot

NAMES = list(fe.montage.MONTAGES["19"])


@pytest.fixture
def matrix(rng):
    m = rng.uniform(-1, 1, (19, 19))
    return (m + m.T) / 2


def images(figure):
    return [image for axes in figure.axes for image in axes.images]


def test_matrix_shows_the_values_but_the_diagonal(matrix, tmp_path):
    figure = plot.plot_matrix(matrix, NAMES, label="imcoh", path=tmp_path / "m.png")
    (image,) = images(figure)
    shown = np.asarray(image.get_array().filled(np.nan))
    off = ~np.eye(19, dtype=bool)
    np.testing.assert_array_equal(shown[off], matrix[off])
    assert np.isnan(np.diag(shown)).all()
    assert image.get_clim() == (-np.abs(matrix[off]).max(), np.abs(matrix[off]).max())
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == NAMES
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    assert figure.axes[1].get_ylabel() == "imcoh"
    assert images(plot.plot_matrix(np.abs(matrix), NAMES, limits=(0, 1)))[0].get_clim() == (0, 1)


def test_arrays_with_names_bring_them(rng):
    pytest.importorskip("xarray")
    x = rng.standard_normal((20, 4, 200))
    result = fe.connectivity.connectivity(x, 100, {"a": (8, 13), "b": (13, 30)}, ch_names=NAMES[:4])
    named = result.to_xarray("coh")[..., 1]
    for draw in (plot.plot_matrix, plot.plot_circle):
        figure, plain = draw(named), draw(result.dense("coh")[..., 1], NAMES[:4])
        shown = [
            [t.get_text() for t in f.axes[0].texts or f.axes[0].get_yticklabels()] for f in (figure, plain)
        ]
        assert shown[0] == shown[1]
        assert sorted(shown[0]) == sorted(NAMES[:4])
    r = fe.fmri.sliding_connectivity(rng.standard_normal((3, 60)), 20, 5)
    figure = plot.plot_dynamics(fe.fmri.to_xarray(r, ["a", "b", "c"], 2.0 * np.arange(len(r))))
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), 2.0 * np.arange(len(r)))
    assert {t.get_text() for t in figure.axes[1].get_yticklabels()} == {"a - b", "a - c", "b - c"}
    for whole in (result, fe.connectivity.connectivity(x, 100, "seed", methods=["coh", "plv"]).to_xarray()):
        with pytest.raises(TypeError, match=r"take one, such as result\.dense"):
            plot.plot_matrix(whole)
    with pytest.raises(TypeError, match="matrix is complex, as of cohy"):
        plot.plot_matrix(np.eye(3) * 1j, "abc")


def test_a_folder_that_is_not_there(matrix, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere to write m\.png to"):
        plot.plot_matrix(matrix, NAMES, path=tmp_path / "nowhere" / "m.png")


def test_circle_draws_the_strongest_pairs(matrix):
    matrix[0, 5] = matrix[5, 0] = -3.0
    matrix[2, 3] = matrix[3, 2] = np.nan
    figure = plot.plot_circle(matrix, NAMES, n_lines=10)
    lines = figure.axes[0].patches
    assert len(lines) == 10
    points = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(np.hypot(*np.asarray(points).T), 1)
    # The strongest is on top and the widest, and runs between its channels.
    ends = lines[-1].get_path().vertices[[0, -1]]
    np.testing.assert_allclose(ends, points[[0, 5]])
    assert lines[-1].get_linewidth() == max(line.get_linewidth() for line in lines)
    upper = np.abs(matrix[np.triu_indices(19, 1)])
    by_strength = np.sort(upper[np.isfinite(upper)])[::-1]
    everything = plot.plot_circle(matrix, NAMES, n_lines=1000)
    assert len(everything.axes[0].patches) == len(by_strength) == 170


def test_electrodes_are_on_their_side_of_the_circle():
    figure = plot.plot_circle(np.ones((19, 19)), NAMES)
    x, y = np.asarray(figure.axes[0].collections[0].get_offsets()).T
    place = dict(zip(NAMES, zip(x, y, strict=True), strict=True))
    assert place["F7"][0] < 0 < place["F8"][0]
    assert place["O1"][1] < 0 < place["Fp1"][1]
    # Regions that are no electrodes keep their order, clockwise from the top.
    figure = plot.plot_circle(np.ones((4, 4)), ["a", "b", "c", "d"])
    x, y = np.asarray(figure.axes[0].collections[0].get_offsets()).T
    assert (x > 0).tolist() == [True, True, False, False]
    assert (y > 0).tolist() == [True, False, False, True]


def test_topomap_goes_through_its_electrodes():
    positions = fe.montage.electrode_positions(NAMES)
    values = positions[:, 1] + 0.3 * positions[:, 0] ** 2
    figure = plot.plot_topomap(values, [*NAMES[:-1], "O2"])
    (image,) = images(figure)
    field = np.asarray(image.get_array())
    left, right, bottom, top = image.get_extent()
    dots = np.asarray(figure.axes[0].collections[-1].get_offsets())
    assert len(dots) == 19
    column = np.round((dots[:, 0] - left) / (right - left) * (field.shape[1] - 1)).astype(int)
    row = np.round((dots[:, 1] - bottom) / (top - bottom) * (field.shape[0] - 1)).astype(int)
    # The nearest pixel is up to half a pixel, 1 % of the head, away; the field changes by about 1 over its radius.
    np.testing.assert_allclose(field[row, column], values, atol=0.03)
    place = dict(zip(NAMES, dots, strict=True))
    np.testing.assert_allclose(place["Cz"], 0, atol=1e-12)
    assert place["F3"][0] < 0 < place["F3"][1]
    assert place["O2"][0] > 0 > place["O2"][1]


def test_topomap_leaves_out_what_has_no_value_or_place():
    values = np.arange(19.0)
    values[3] = np.nan
    figure = plot.plot_topomap(np.r_[values, 500.0], [*NAMES, "EOG"], limits=(0, 20))
    assert len(figure.axes[0].collections[-1].get_offsets()) == 18
    assert np.asarray(images(figure)[0].get_array()).max() < 40


def test_patterns_have_a_head_for_each_class_and_band(rng):
    patterns = rng.normal(size=(3, 2, 19))
    patterns[1, 1] = np.nan
    explanation = Explanation(("calm", "fear", "joy"), ("theta", "alpha"), tuple(NAMES), patterns)
    figure = plot.plot_patterns(explanation)
    assert len(images(figure)) == 5
    limit = np.nanmax(np.abs(patterns))
    assert {image.get_clim() for image in images(figure)} == {(-limit, limit)}
    assert [axes.get_title() for axes in figure.axes[:2]] == ["theta", "alpha"]
    assert [axes.texts[0].get_text() for axes in figure.axes[:6:2]] == ["calm", "fear", "joy"]
    single = images(plot.plot_topomap(patterns[2, 0], NAMES, limits=(-limit, limit)))[0]
    np.testing.assert_array_equal(images(figure)[3].get_array(), single.get_array())


def test_the_patterns_of_a_pipeline(rng):
    x = rng.normal(size=(8, 5, 400)) * np.repeat([5, 9], 4)[:, None, None]
    stages = [fe.Window(1, 1), fe.BandPower({"all": (2, 40)}, log=True), fe.LDA()]
    pipe = fe.Pipeline(stages, sfreq=100, ch_names=["F3", "F4", "Cz", "O1", "ECG"]).fit(
        x, ["calm"] * 4 + ["joy"] * 4
    )
    figure = plot.plot_patterns(pipe.explain())
    assert len(images(figure)) == 2
    assert len(figure.axes[0].collections[-1].get_offsets()) == 4


@pytest.mark.parametrize("kind", ["connectivity", "covariance"])
def test_patterns_of_pairs_are_matrices(rng, kind):
    x = rng.normal(size=(8, 4, 1000))
    x[4:, 1] += 2 * x[4:, 0]
    features = {
        "connectivity": [fe.Connectivity({"all": (2, 40)}, ["plv"])],
        "covariance": [fe.Covariance("oas"), fe.TangentSpace()],
    }
    names = ["F3", "F4", "Cz", "O1"]
    stages = [fe.Window(1, 1), *features[kind], fe.LDA()]
    pipe = fe.Pipeline(stages, sfreq=100, ch_names=names).fit(x, ["calm"] * 4 + ["joy"] * 4)
    explanation = pipe.explain()
    found, matrices = explanation.by_pair()
    assert sorted(found) == sorted(names)
    assert matrices.shape == (2, 1, 4, 4)
    matrix = matrices[explanation.classes.index("joy"), 0]
    np.testing.assert_array_equal(matrix, matrix.T)
    own = np.isfinite(np.diag(matrix))
    assert own.all() if kind == "covariance" else not own.any()
    off = np.where(np.eye(4, dtype=bool), 0, np.nan_to_num(matrix))
    top = np.unravel_index(np.argmax(off), off.shape)
    assert {found[i] for i in top} == {"F3", "F4"}
    for i, channel in enumerate(explanation.channels):
        *_, a, b = (channel, *channel.replace("~", "-").split("-"))
        value = explanation.patterns[0, 0, i]
        assert matrices[0, 0, found.index(a), found.index(b)] == value
    assert len(plot.plot_circle(matrix, found).axes[0].patches) == 6
    if kind == "connectivity":
        with pytest.raises(ValueError, match=r"features are of pairs .* explanation\.by_pair\(\)"):
            plot.plot_patterns(explanation)


def test_patterns_of_channels_are_no_matrices():
    with pytest.raises(ValueError, match=r"of channels, not of pairs \(x, y, z, \.\.\.\)"):
        Explanation(("a",), ("b",), ("x", "y", "z"), np.ones((1, 1, 3))).by_pair()


def test_dynamics_sort_pairs_by_how_much_they_change(rng):
    x = rng.normal(size=(4, 300))
    x[2, 150:] += 5 * x[1, 150:]
    r = fe.fmri.sliding_connectivity(x, 30)
    figure = plot.plot_dynamics(r, ["a", "b", "c", "d"], 2.0 * np.arange(len(r)))
    top, bottom = figure.axes[:2]
    mesh = bottom.collections[0]
    carpet = np.asarray(mesh.get_array()).reshape(6, -1)
    spread = carpet.std(axis=1)
    assert (np.diff(spread) <= 0).all()
    assert bottom.get_yticklabels()[0].get_text() == "b - c"
    np.testing.assert_array_equal(carpet[0], r[:, 1, 2])
    np.testing.assert_allclose(top.lines[0].get_ydata(), carpet.mean(axis=0))
    np.testing.assert_array_equal(top.lines[0].get_xdata(), 2.0 * np.arange(len(r)))


@pytest.mark.parametrize(("labels", "n_axes"), [(("joy", "fear"), 3), (("rest", "arithmetic"), 2)])
def test_a_trace_has_affect_only_of_emotions(rng, labels, n_axes):
    recs = [fe.Recording(rng.standard_normal((2, 600)), 100, ["F3", "F4"], label=x) for x in labels]
    pipe = fe.Pipeline([fe.Window(1, 0.5), fe.BandPower({"alpha": (8, 13)}), fe.LDA()]).fit(recs)
    figure = plot.plot_trace(pipe.predict_windows(recs[0]), labels=pipe.classes_)
    assert len(figure.axes) == n_axes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: plot.plot_matrix(m[:3], NAMES), r"shape \(n, n\)"),
        (lambda m: plot.plot_matrix(m, NAMES[:4]), "one per channel"),
        (lambda m: plot.plot_matrix(m * np.nan, NAMES), "no finite value"),
        (lambda m: plot.plot_matrix(m, NAMES, limits=(1, 0)), "limits must be"),
        (lambda m: plot.plot_matrix(m, NAMES, limits=3), "limits must be"),
        (lambda m: plot.plot_matrix(m), "ch_names must be given for an array"),
        (lambda m: plot.plot_dynamics([m, m]), "ch_names must be given for an array"),
        (lambda m: plot.plot_circle(np.triu(m), NAMES), "symmetric"),
        (
            lambda m: plot.plot_circle(m - m.T + np.tri(19), NAMES),
            r"np\.abs\(matrix\) where only signs differ",
        ),
        (lambda m: plot.plot_circle(m, NAMES, n_lines=0), "n_lines"),
        (lambda m: plot.plot_topomap(m, NAMES), r"\(n_channels,\)"),
        (lambda m: plot.plot_topomap([1.0, 2.0, 3.0], ["F3", "F4", "x"]), "2 of the channels are electrodes"),
        (lambda m: plot.plot_dynamics(m, NAMES), r"\(n_windows, n, n\)"),
        (lambda m: plot.plot_dynamics([m, m], NAMES, [1.0, 1.0]), "rising"),
        (
            lambda m: plot.plot_patterns(Explanation(("a",), ("b",), ("x", "y", "z"), np.ones((1, 1, 3)))),
            "no map to draw",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(matrix, call, message):
    with pytest.raises(ValueError, match=message):
        call(matrix)


def test_explanations_only():
    with pytest.raises(TypeError, match=r"Pipeline\.explain gives, got list"):
        plot.plot_patterns([1.0])

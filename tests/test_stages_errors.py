"""What stages and lists of stages refuse, and how they say so."""

import numpy as np
import pytest
from lowered_stages import BANDS, CH, WINDOW, lowered

import fastemo as fe
from fastemo._design import filled_after

BAD = [
    (lambda: fe.BandPass(40, 1), ValueError, "low must be below high, got low=40, high=1"),
    (lambda: fe.BandPass(0, 40), ValueError, "low must be a finite number above 0"),
    (lambda: fe.BandPass(1, 40, order=0), ValueError, "order must be a whole number of at least 1, got 0"),
    (lambda: fe.BandPass(1, 40, order=2.5), TypeError, "order must be a whole number.*2.5"),
    (lambda: fe.BandPass(1, 40, init="last"), ValueError, "init must be one of 'first', 'zero'; got 'last'"),
    (lambda: fe.HighPass("1"), TypeError, "freq must be a finite number"),
    (lambda: fe.Notch(50, harmonics=0), ValueError, "harmonics must be a whole number"),
    (lambda: fe.CustomSos(np.ones((2, 5))), ValueError, r"shape \(n_sections, 6\), got shape \(2, 5\)"),
    (lambda: fe.CustomSos([[1, 0, 0, 2, 0, 0]]), ValueError, r"a0.*must be 1, got \[2.0\]"),
    (lambda: fe.CustomSos([[1, 0, 0, 1, -1, 0]]), ValueError, "stable, got a pole at radius 1"),
    (lambda: fe.CustomSos([[1, 0, 0, 1, np.nan, 0]]), ValueError, "sos must be finite"),
    (lambda: fe.CommonAverage(exclude="M1"), TypeError, "exclude must be a list of channel names"),
    (lambda: fe.Reference([]), ValueError, "channels must name at least one"),
    (lambda: fe.Bipolar([("F3", "F4", "Fz")]), ValueError, r"pairs\[0\] must be two"),
    (lambda: fe.Bipolar([("F3", "F3")]), ValueError, r"pairs\[0\] must name each channel once"),
    (lambda: fe.SpatialFilter([1.0, 2.0]), ValueError, r"matrix must have shape .* got shape \(2,\)"),
    (lambda: fe.SpatialFilter([[np.inf]]), ValueError, "matrix must be finite"),
    (lambda: fe.SpatialFilter(np.eye(2), names=["a"]), ValueError, r"one per row of matrix \(2\), got 1"),
    (lambda: fe.Window(2, hop=0), ValueError, "hop must be a finite number above 0"),
    (lambda: fe.Window(-1, hop=1), ValueError, "length must be a finite number above 0"),
    (lambda: fe.BandPower({"alpha": (13, 8)}), ValueError, r"'alpha' must have lo < hi, got \(13, 8\)"),
    (lambda: fe.BandPower("sed"), ValueError, "did you mean 'seed'"),
    (lambda: fe.BandPower(BANDS, method="welsh"), ValueError, "did you mean 'welch'"),
    (lambda: fe.BandPower(BANDS, order=3), ValueError, "order=3 has no meaning for method='auto'"),
    (
        lambda: fe.BandPower(BANDS, method="filterbank", taper="boxcar"),
        ValueError,
        "taper='boxcar' has no meaning",
    ),
    (
        lambda: fe.DifferentialEntropy(BANDS, "sead"),
        ValueError,
        "definition must be one of 'gauss', 'spectral', ",
    ),
    (lambda: fe.DifferentialEntropy(BANDS, "spectral", 3), ValueError, "order=3 has no meaning"),
    (lambda: fe.Features(fe.BandPower(BANDS)), TypeError, "features must be a list"),
    (lambda: fe.Features([fe.LDA()]), TypeError, r"features\[0\] must be a stage that makes features"),
    (lambda: fe.Standardize(baseline="yes"), TypeError, "baseline must be True or False, got 'yes'"),
    (lambda: fe.LDA(shrinkage="lw"), ValueError, 'shrinkage must be "auto"'),
    (lambda: fe.LDA(priors=[0.5, 0.6]), ValueError, "priors must sum to 1"),
    (lambda: fe.Logistic(C=0), ValueError, "C must be a finite number above 0"),
    (lambda: fe.Ridge(alpha=-1), ValueError, "alpha must be a finite number of at least 0"),
    (lambda: fe.Smooth(0), ValueError, "tau must be a finite number above 0"),
    (lambda: fe.WindowMean(), ValueError, "give either n or seconds, got n=None, seconds=None"),
    (lambda: fe.WindowMean(2, seconds=1), ValueError, "give either n or seconds"),
    (lambda: fe.Quality(minimum=2), ValueError, r"minimum must be a share in \[0, 1\], got 2"),
    (lambda: fe.Quality(flat=0), ValueError, "flat must be a finite number above 0"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_bad_parameters_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()


AT_LOWERING = [
    ([fe.BandPass(1, 60), WINDOW], "BandPass.*reaches 60 Hz.*Nyquist frequency of 50 Hz"),
    ([fe.Notch(20, harmonics=3), WINDOW], "Notch.*reaches 60 Hz"),
    ([WINDOW, fe.BandPower({"gamma": (30, 60)})], "'gamma' reaches 60 Hz, beyond the Nyquist"),
    (
        [WINDOW, fe.DifferentialEntropy({"gamma": (30, 50)})],
        "the band 'gamma' of DifferentialEntropy reaches 50 Hz",
    ),
    ([fe.Window(0.2, 0.1), fe.BandPower({"delta": (1, 4)})], "none in the band 'delta'.*at least 0.33"),
    ([fe.Window(1, hop=0.001), fe.BandPower(BANDS)], "hop must be at least one sample"),
    ([WINDOW, fe.BandPower(BANDS, taper="hamn")], "taper must be a name that scipy.signal.get_window"),
    ([fe.CommonAverage(exclude=["Cz"]), WINDOW], "no channel 'Cz'"),
    ([fe.CommonAverage(exclude=CH), WINDOW], "leaves no channel of 4"),
    ([fe.Reference(["m1"]), WINDOW], "no channel 'm1'.*did you mean 'M1'"),
    ([fe.SpatialFilter(np.eye(3)), WINDOW], r"shape \(3, 3\), but 4 channels arrive"),
    (
        [WINDOW, fe.DifferentialEntropy(BANDS), fe.LogTransform()],
        "LogTransform needs band powers, but logarithms",
    ),
    ([WINDOW, fe.BandPower(BANDS, log=True), fe.RelativePower()], "RelativePower needs band powers, but log"),
    ([WINDOW, fe.BandPower(BANDS, relative=True), fe.RelativePower()], "but shares of the whole arrive"),
    (
        [WINDOW, fe.Features([fe.BandPower(BANDS), fe.BandPower(BANDS)]), fe.RelativePower()],
        "cannot tell which of several features",
    ),
]


@pytest.mark.parametrize(("stages", "message"), AT_LOWERING)
def test_what_does_not_fit_the_signal_is_refused_with_a_mend(stages, message):
    with pytest.raises(ValueError, match=message):
        lowered(*stages)


def test_a_filter_that_rings_for_ever_is_refused():
    with pytest.raises(ValueError, match="ring for more than"):
        filled_after(np.array([[1.0, 0, 0, 1, -(1 - 1e-12), 0]]))


ORDER = [
    ([fe.Window(2, hop=1)], "stages end before there are features: add a feature"),
    ([fe.HighPass(1)], r"stages end before there are features: add Window\(length, hop\) and a feature"),
    ([fe.BandPower(BANDS)], r"stages\[0\]: BandPower needs windows: put Window"),
    ([fe.LDA()], r"stages\[0\]: LDA works on features, but there are none"),
    ([WINDOW, fe.LDA()], r"stages\[1\]: LDA works on features, but there are none: put a feature"),
    ([WINDOW, fe.HighPass(1)], r"stages\[1\]: HighPass works on the signal, but stands after Window"),
    ([WINDOW, WINDOW], "a second Window after Window"),
    ([WINDOW, fe.BandPower(BANDS), WINDOW], "a second Window after BandPower"),
    ([WINDOW, fe.BandPower(BANDS), fe.BandPower(BANDS)], r"combine with Features\(\[...\]\)"),
    ([WINDOW, fe.BandPower(BANDS), fe.LDA(), fe.LDA()], "a second decoder LDA after LDA"),
    ([WINDOW, fe.BandPower(BANDS), fe.LDA(), fe.Standardize()], "Standardize .* stands after the decoder"),
    ([WINDOW, fe.BandPower(BANDS), fe.LDA(), fe.HighPass(1)], "HighPass works on the signal"),
    ([fe.Smooth(1), WINDOW, fe.BandPower(BANDS)], "Smooth works on features, but there are none"),
    ([fe.Quality(), fe.Quality(), WINDOW, fe.BandPower(BANDS)], "Quality twice"),
]


@pytest.mark.parametrize(("stages", "message"), ORDER)
def test_stages_in_a_wrong_order_are_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        fe.Pipeline(stages)


@pytest.mark.parametrize("stages", [[], fe.LDA(), "de-lda", [fe.Window(2, hop=1), fe.LDA], [WINDOW, "LDA"]])
def test_stages_must_be_a_list_of_stages(stages):
    with pytest.raises(TypeError, match=r"must be a (list of )?stage"):
        fe.Pipeline(stages)

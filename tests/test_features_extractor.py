"""Features as a step of scikit-learn."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from fastemo.features import FeatureExtractor, extract_features

SFREQ = 256.0
FUNCS = ["hjorth_mobility", "pow_freq_bands", "higuchi_fd"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4, 256)), np.repeat([0, 1], 20)
    x[y == 1] = np.cumsum(x[y == 1], axis=-1)
    return x, y


@pytest.mark.parametrize(
    "step",
    [
        FeatureExtractor(SFREQ, FUNCS),
        FunctionTransformer(extract_features, kw_args={"sfreq": SFREQ, "selected_funcs": FUNCS}),
    ],
    ids=["FeatureExtractor", "extract_features"],
)
def test_a_classifier_learns_from_it(step, data):
    model = make_pipeline(step, StandardScaler(), LogisticRegression())
    assert cross_val_score(model, *data, cv=4).mean() == 1


def test_it_gives_what_extract_features_gives(data):
    x, params = data[0], {"higuchi_fd__kmax": 6}
    got = FeatureExtractor(SFREQ, FUNCS, params, n_jobs=2).fit_transform(x)
    np.testing.assert_array_equal(got, extract_features(x, SFREQ, FUNCS, params))


def test_its_names_are_those_of_mne_features(data):
    x = data[0][:2]
    given = {"ch_names": ["Fz", "Cz", "C3", "O1"], "separator": "__"}
    names = FeatureExtractor(SFREQ, FUNCS, **given).fit(x).get_feature_names_out()
    assert list(names[[0, 4, 5, -1]]) == [
        "Fz__hjorth_mobility", "Fz__band0__pow_freq_bands", "Fz__band1__pow_freq_bands", "O1__higuchi_fd",
    ]  # fmt: skip
    with_warnings = pytest.importorskip(
        "mne_features.feature_extraction", reason="mne-features is not installed"
    )
    theirs = with_warnings.FeatureExtractor(SFREQ, FUNCS, **given).fit(x)
    assert list(names) == theirs.get_feature_names_out()


def test_parameters_of_features_are_searched(data):
    model = make_pipeline(FeatureExtractor(SFREQ, ["higuchi_fd"]), LogisticRegression())
    search = GridSearchCV(model, {"featureextractor__higuchi_fd__kmax": [3, 8]}, cv=2).fit(*data)
    best = search.best_estimator_[0]
    assert best.params == {"higuchi_fd__kmax": search.best_params_["featureextractor__higuchi_fd__kmax"]}
    assert clone(best).params == best.params


def test_it_refuses(data):
    x = data[0]
    with pytest.raises(NotFittedError):
        FeatureExtractor(SFREQ, FUNCS).transform(x)
    fitted = FeatureExtractor(SFREQ, FUNCS).fit(x)
    with pytest.raises(ValueError, match="4 channels x 256 samples as in fit"):
        fitted.transform(x[:, :3])
    for bad, message in [
        (FeatureExtractor(SFREQ, ["meen"]), "did you mean 'mean'"),
        (FeatureExtractor(SFREQ), "selected_funcs must be a list"),
        (FeatureExtractor(SFREQ, ["mean"], {"std__ddof": 1}), "must be named as a selected feature"),
        (FeatureExtractor(SFREQ, ["mean"], ch_names=["Fz"]), "must name 4 channels"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad.fit(x)
    for shape in ((4, 256), (0, 4, 256)):
        with pytest.raises(ValueError, match="X must have shape"):
            FeatureExtractor(SFREQ, FUNCS).fit(np.zeros(shape))
    with pytest.raises(ValueError, match="Invalid parameter"):
        fitted.set_params(sfrek=3)

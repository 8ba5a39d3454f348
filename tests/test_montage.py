"""Electrode names, positions and regions."""

import warnings

import numpy as np
import pytest

from fastemo.montage import (
    MONTAGES,
    REGIONS,
    electrode_name,
    electrode_positions,
    region_groups,
    region_of,
)

_NAMES = """
    FP1 FPZ FP2 AF3 AF4 F7 F5 F3 F1 FZ F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 T7 C5 C3 C1 CZ C2 C4
    C6 T8 TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 PO7 PO5 PO3 POZ PO4 PO6 PO8 CB1 O1
    OZ O2 CB2
"""
SEED_62 = _NAMES.split()


def test_positions_are_on_the_sphere_and_symmetric():
    xyz = electrode_positions(SEED_62)
    np.testing.assert_allclose(np.linalg.norm(xyz, axis=1), 1, rtol=1e-12)
    left, right = (
        electrode_positions(["F3", "T7", "PO3", "Fp1"]),
        electrode_positions(["F4", "T8", "PO4", "Fp2"]),
    )
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-12)
    np.testing.assert_allclose(electrode_positions(["Fz", "Oz", "Cz"])[:, 0], 0, atol=1e-12)


def test_axes_point_right_front_up():
    cz, t8, fpz = electrode_positions(["Cz", "T8", "Fpz"])
    assert (cz.argmax(), t8.argmax(), fpz.argmax()) == (2, 0, 1)
    row = electrode_positions(["F7", "F5", "F3", "F1", "Fz", "F2", "F4", "F6", "F8"])
    assert (np.diff(row[:, 0]) > 0).all()
    steps = np.linalg.norm(np.diff(row, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)


def test_positions_agree_with_a_measured_head():
    mne = pytest.importorskip("mne")
    names = [n for n in SEED_62 if not n.startswith("CB")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newest MNE renames this montage
        measured = mne.channels.make_standard_montage("standard_1005").get_positions()["ch_pos"]
    head = np.array([{k.upper(): v for k, v in measured.items()}[n] for n in names])
    design = np.column_stack([2 * head, np.ones(len(head))])
    centre = np.linalg.lstsq(design, (head**2).sum(axis=1), rcond=None)[0][:3]
    head = (head - centre) / np.linalg.norm(head - centre, axis=1, keepdims=True)
    u, _, vt = np.linalg.svd(head.T @ electrode_positions(names))
    cosines = ((head @ u @ vt) * electrode_positions(names)).sum(axis=1)
    degrees = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    # A head is no sphere: a few degrees are the difference between the two, not an error.
    assert degrees.mean() < 4
    assert degrees.max() < 10


@pytest.mark.parametrize("names", [*MONTAGES.values(), SEED_62])
def test_montages_lie_in_regions(names):
    regions = [region_of(name) for name in names]
    assert set(regions) <= set(REGIONS) - {"other"}
    groups = region_groups(names)
    assert sorted(i for index in groups.values() for i in index) == list(range(len(names)))
    assert list(groups) == [r for r in REGIONS if r in groups]


@pytest.mark.parametrize(
    ("name", "electrode", "region"),
    [
        ("EEG Fp1-Ref", "FP1", "frontal left"),
        ("EEG FP2-LE", "FP2", "frontal right"),
        ("Fc5.", "FC5", "central left"),
        ("Cz..", "CZ", "central midline"),
        ("T3", "T7", "temporal left"),
        ("T6", "P8", "parietal right"),
        ("TP10", "TP10", "temporal right"),
        ("A1", "TP9", "temporal left"),
        ("CB2", "PO10", "occipital right"),
        ("Iz", "IZ", "occipital midline"),
        ("Nz", "NZ", "frontal midline"),
        ("EEG A2-A1", "A2-A1", "other"),
        ("ECG", "ECG", "other"),
        ("C99", "C99", "other"),
        ("ch0", "CH0", "other"),
    ],
)
def test_names_and_regions(name, electrode, region):
    assert electrode_name(name) == electrode
    assert region_of(name) == region


def test_unknown_electrodes():
    with pytest.raises(ValueError, match=r"'FP11' is not an electrode of the 10-10 system \(did you mean"):
        electrode_positions(["Cz", "FP11"])
    xyz = electrode_positions(["Cz", "ECG"], unknown="nan")
    assert np.isfinite(xyz[0]).all()
    assert np.isnan(xyz[1]).all()
    with pytest.raises(ValueError, match="unknown must be 'raise' or 'nan', got 'skip'"):
        electrode_positions(["Cz"], unknown="skip")

"""What people use today, written as well as one can with these libraries."""

import numpy as np
import scipy.fft
from scipy.signal import butter, iirnotch, sosfilt, tf2sos, welch

SFREQ = 500.0
BANDS = ((1, 4), (4, 8), (8, 14), (14, 31), (31, 45))
SOS = np.vstack([butter(4, [1, 45], "bandpass", fs=SFREQ, output="sos"), tf2sos(*iirnotch(50, 30, fs=SFREQ))])
BANK = [butter(4, band, "bandpass", fs=SFREQ, output="sos") for band in BANDS]
LENGTH = 1000


class SosFilt:
    """scipy.signal.sosfilt with its state carried along."""

    def __init__(self, sos, n_channels, axis=-1):
        self.sos, self.axis = sos, axis
        self.zi = np.zeros((len(sos), n_channels, 2) if axis == -1 else (len(sos), 2, n_channels))

    def __call__(self, x):
        y, self.zi = sosfilt(self.sos, x, axis=self.axis, zi=self.zi)
        return y


def hann_bands(n):
    """Periodic Hann taper, and the matrix from |rfft|^2 to power in the bands."""
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    f = scipy.fft.rfftfreq(n, 1 / SFREQ)
    inside = np.stack([(f >= lo) & (f < hi) for lo, hi in BANDS], axis=-1)
    return taper, inside * (2 / (SFREQ * np.sum(taper**2)) * SFREQ / n)


class FftBands:
    """One Hann rfft and a matmul."""

    def __init__(self, n=LENGTH):
        self.taper, self.matrix = hann_bands(n)

    def __call__(self, x):
        bins = scipy.fft.rfft((x - x.mean(axis=-1, keepdims=True)) * self.taper)
        return (bins.real**2 + bins.imag**2) @ self.matrix


def welch_bands(x, nperseg=None):
    """scipy.signal.welch and sums; its own default is segments of 256 samples where there are so many, half overlapping."""
    f, density = welch(x, SFREQ, nperseg=nperseg or min(256, x.shape[-1]))
    return np.stack([density[..., (f >= lo) & (f < hi)].sum(axis=-1) for lo, hi in BANDS], axis=-1) * f[1]


def entropy(power):
    return 0.5 * np.log(2 * np.pi * np.e * np.maximum(power, 1e-4))


class VarianceLoop:
    """Stateful filter bank, the window's variance anew each hop, scikit-learn's LDA."""

    def __init__(self, n_channels, lda):
        self.front = SosFilt(SOS, n_channels)
        self.bank = [SosFilt(sos, n_channels) for sos in BANK]
        self.window = np.zeros((len(BANDS), n_channels, LENGTH))
        self.lda = lda

    def __call__(self, x):
        y, n = self.front(x), x.shape[1]
        self.window[..., :-n] = self.window[..., n:]
        for row, band in zip(self.window, self.bank, strict=True):
            row[:, -n:] = band(y)
        features = entropy(self.window.var(axis=-1))
        return self.lda.predict_proba(features.reshape(1, -1))[0]


class RunningSumsLoop:
    """The same with running sums of squares and a softmax in NumPy."""

    def __init__(self, n_channels, coef, bias, n):
        self.front = SosFilt(SOS, n_channels)
        self.bank = [SosFilt(sos, n_channels) for sos in BANK]
        self.ring = np.zeros((LENGTH // n, len(BANDS), n_channels))
        self.sums, self.at = np.zeros((len(BANDS), n_channels)), 0
        self.coef, self.bias = coef, bias

    def __call__(self, x):
        y = self.front(x)
        new = np.stack([np.einsum("cn,cn->c", v, v) for v in (band(y) for band in self.bank)])
        self.sums += new - self.ring[self.at]
        self.ring[self.at] = new
        self.at = (self.at + 1) % len(self.ring)
        scores = self.coef @ entropy(self.sums / LENGTH).ravel() + self.bias
        weights = np.exp(scores - scores.max())
        return weights / weights.sum()


def blocked_fft(x, hop, block=64):
    """Whole recording: blocks of windows, rfft and matmul; (n_windows, n_channels, n_bands)."""
    bands = FftBands()
    windows = np.lib.stride_tricks.sliding_window_view(x, LENGTH, axis=-1)[:, ::hop]
    out = np.empty((windows.shape[1], len(x), len(BANDS)))
    for i in range(0, len(out), block):
        out[i : i + block] = bands(windows[:, i : i + block]).swapaxes(0, 1)
    return out


def bank_cumsum(x, hop):
    """Whole recording: filter bank once, windows by cumulative sums; entropy (n_windows, n_bands, n_channels)."""
    ends = np.arange(LENGTH, x.shape[1] + 1, hop)
    out = np.empty((len(ends), len(BANDS), len(x)))
    for b, sos in enumerate(BANK):
        sums = np.zeros((len(x), x.shape[1] + 1))
        y = sosfilt(sos, x)
        np.cumsum(np.square(y, out=y), axis=1, out=sums[:, 1:])
        out[:, b] = ((sums[:, ends] - sums[:, ends - LENGTH]) / LENGTH).T
    return entropy(out)


def mne_welch_loop(x, hop, n_windows):
    """mne.time_frequency.psd_array_welch window by window, for so many windows."""
    from mne.time_frequency import psd_array_welch

    out = []
    for k in range(n_windows):
        window = x[:, k * hop : k * hop + LENGTH]
        density, f = psd_array_welch(window, SFREQ, fmin=1, fmax=45, n_fft=LENGTH, verbose="error")
        out.append(np.stack([density[:, (f >= lo) & (f < hi)].sum(axis=-1) for lo, hi in BANDS], axis=-1))
    return np.array(out) * SFREQ / LENGTH

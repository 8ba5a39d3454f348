"""Simulated recordings with known truth, to test a decoder: which regions, which band, when, in whom.

Twenty cortical sources (ten regions in two hemispheres) and an emotion-free background reach the electrodes
through smooth maps. Emotions multiply the power of sources in bands as `SIGNATURES` says and link some of
them with a lag as `COUPLINGS` says. People differ in spectra, channel gains, mixing and signatures;
sessions in gain and the seat of the cap; stimuli leave patterns of their own; eyes, muscles, heart, mains
and electrodes disturb. It is a model for testing software, and no evidence about real brains.

The difficulty knob was set so that a plain decoder finds the following. Measured with five emotions (chance
20 %), 5 people, 40 trials of 20 s, seed 0; common average, causal Butterworth bank of order 4 (1-4, 4-8,
8-14, 14-31, 31-45 Hz), log variance of 4 s windows, standardisation, shrinkage LDA; balanced accuracy of
windows in %:

========== ============= ============= =================== ==================
difficulty within person unseen person and rest subtracted and mean subtracted
========== ============= ============= =================== ==================
0                     98            68                  97                 99
0.2                   89            63                  90                 92
0.5                   67            44                  72                 76
0.75                  39            32                  42                 50
1                     16            20                  21                 21
========== ============= ============= =================== ==================

Within a person, whole trials are held out (five folds). An unseen person's rest is its baseline; its mean
is over all of its trials, which no live decoder has. The background, 4 uV rms at difficulty 0, and the
effect, 5 (1 - d^3) + 0.1 times the table's log-gains, are the constants that were set.
"""

from fastemo.synth.anatomy import SOURCES, Source
from fastemo.synth.artefacts import Artefact
from fastemo.synth.bold import BoldTruth, simulate_bold
from fastemo.synth.schedule import Episode
from fastemo.synth.signatures import COUPLINGS, SIGNATURES, SYNTH_BANDS, Coupling, Effect
from fastemo.synth.simulation import simulate, simulate_session
from fastemo.synth.transport import Transmission, transmit
from fastemo.synth.truth import Truth
from fastemo.synth.world import Difficulty

__all__ = [
    "COUPLINGS",
    "SIGNATURES",
    "SOURCES",
    "SYNTH_BANDS",
    "Artefact",
    "BoldTruth",
    "Coupling",
    "Difficulty",
    "Effect",
    "Episode",
    "Source",
    "Transmission",
    "Truth",
    "simulate",
    "simulate_bold",
    "simulate_session",
    "transmit",
]

"""What the way from a true spectrogram to a waveform costs: controls of Table 4."""

from __future__ import annotations

import numpy as np

from mtnet_tf.systems.controls import Context, Control, Speak

# LogMel is imported where it is used: the names of the systems are wanted without librosa.


def _inverter(context: Context) -> Speak:
    """The trained inverter on the true spectrogram: the ceiling of the adversarial systems."""
    from mtnet_tf.data.log_mel import LogMel

    recordings = context.data.recordings.float_waveforms()
    inverter = context.network.get_layer("spectrogram_inverter")
    # Each by itself: a pair's waveform then does not depend on the other pairs, to the bit.
    waveforms = np.concatenate(
        [
            inverter(spectrogram[None], training=False).numpy()
            for spectrogram in LogMel(context.config).spectrograms(recordings)
        ]
    )
    return lambda pairs: waveforms[pairs.recordings]


def _griffin_lim(context: Context) -> Speak:
    """Griffin-Lim on the true spectrogram, which needs no training."""
    from mtnet_tf.data.log_mel import LogMel

    log_mel = LogMel(context.config)
    waveforms = log_mel.waveforms(log_mel.spectrograms(context.data.recordings.float_waveforms()))
    return lambda pairs: waveforms[pairs.recordings]


INVERTERS = (
    Control("spectrogram_inverter", "true spectrogram + inverter", _inverter),
    Control("griffin_lim", "true spectrogram + Griffin-Lim", _griffin_lim),
)

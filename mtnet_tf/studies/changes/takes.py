"""Many takes of a word by one voice: a network trained by regression speaks their average.

The loss on short-time spectra does not see phases, in which takes differ most.
"""

from mtnet_tf.studies.changes.change import ONE_EPOCH, Change

CHANGES = {
    "baseline": Change(
        "`small`; an epoch in batches of 64",
        ONE_EPOCH,
        base=None,
    ),
    "spectral_1": Change("the loss on short-time spectra too", ("loss.spectral_weight=1",)),
    "spectral_10": Change("ten times that", ("loss.spectral_weight=10",)),
}

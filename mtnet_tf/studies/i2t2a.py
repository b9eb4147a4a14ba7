"""The recipe of I2T2A (Table 4) on a data set of many words.

Its image encoder has the optimiser of MT-Net's, with which the size of the loss counts: at epsilon
1, RMSProp hardly divides by it. The mean over the letters of a word is several times smaller than
the loss of naming the word.
"""

from mtnet_tf.studies.changes import Change

_RATE = "training.image_encoder_optimizer.learning_rate="

CHANGES = {
    "baseline": Change(
        "`small`: the mean over the letters of a word, a rate of .1 of the image encoder; three"
        " epochs",
        ("training.joint.epochs=3",),
        base=None,
    ),
    "rate_.4": Change("a rate of .4 of the image encoder", (_RATE + "0.4",)),
    "sum": Change("the sum over the letters, not their mean", ("loss.letters=sum",)),
    "sum_rate_.05": Change("a rate of .05 of the image encoder", (_RATE + "0.05",), base="sum"),
}

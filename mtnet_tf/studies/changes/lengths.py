"""Trainings of several lengths: what one gets for how many minutes.

Each has its whole schedule. A look at a longer training before its end would be worse.
"""

from mtnet_tf.studies.changes.change import Change

CHANGES = {
    f"epochs_{epochs}": Change(
        f"{epochs} epoch{'s' if epochs > 1 else ''}",
        (f"training.joint.epochs={epochs}",),
        base=None,
    )
    for epochs in (1, 2, 4, 8, 12, 24)
}

"""The sub-networks of MT-Net (Figure 2) as Keras functional models.

Each is built by a `build_*` function of the run's configuration.
"""

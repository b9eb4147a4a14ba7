"""The sub-networks of MT-Net (Figure 2): Keras functional models, each built by a function."""

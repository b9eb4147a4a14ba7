"""The sub-networks of MT-Net (Figure 2) as Keras functional models, each a `build_*` function of its configuration."""

"""Algorithm 1: stage 1 trains the audio autoencoder, stage 2 the joint network, in one loop."""

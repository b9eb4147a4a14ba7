"""The building blocks that Keras does not have: each is one equation of the paper or one fast form of a Keras layer."""

"""Prepared data set -> arrays and batches; audio and image files in and out."""

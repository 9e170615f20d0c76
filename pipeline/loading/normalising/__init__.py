"""Normalising batches with statistics of the training rows alone."""

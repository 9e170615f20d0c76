"""Peers that read the log where it is."""

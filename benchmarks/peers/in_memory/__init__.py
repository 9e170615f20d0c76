"""Peers that hold the whole log in memory."""

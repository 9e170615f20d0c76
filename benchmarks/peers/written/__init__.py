"""Peers that read windows written out beforehand."""

"""Scores for people: pictures and pages."""

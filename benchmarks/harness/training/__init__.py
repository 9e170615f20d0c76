"""Trainings in processes of their own, in turns."""

"""The ways people load windows today, one file each, as their own documentation says to."""

"""The ways people train on windows today, one file each, as their own documentation or any tutorial writes it."""

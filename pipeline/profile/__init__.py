"""A recipe proposed from a sample of logs, with what was seen and what is in doubt."""

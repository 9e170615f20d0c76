"""Where files lie: a folder of this machine, or a prefix of an object store."""

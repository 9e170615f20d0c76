"""A store in another form: packed, unpacked, or exported to a file."""

"""A store in another form: packed, unpacked, or exported as a table."""

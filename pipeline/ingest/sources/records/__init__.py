"""Texts whose lines name what they hold: each is read as a row of keys and values, as an object of JSON is."""

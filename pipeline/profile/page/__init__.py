"""A proposal as a page that a browser shows."""

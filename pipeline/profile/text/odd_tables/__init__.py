"""Tables in a text that a separator alone does not cut into rows."""

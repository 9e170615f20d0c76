"""Logs of JSON: an object a line, an array of objects, or rows that stand deeper in a document."""

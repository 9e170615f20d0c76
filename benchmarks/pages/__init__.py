"""The pages that are written from the committed results."""

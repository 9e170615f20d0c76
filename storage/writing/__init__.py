"""Writing a store: chunks, the one-writer lock, and the commit."""

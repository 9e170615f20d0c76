"""The packed layout: sharded, compressed rows, from a folder or an object store."""

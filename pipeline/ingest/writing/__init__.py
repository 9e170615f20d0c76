"""The second stage of an ingest: parts are merged in order and written as a store."""

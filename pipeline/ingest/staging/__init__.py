"""The first stage of an ingest: sections of sources are read into sorted parts on disk."""

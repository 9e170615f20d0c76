"""Settings of an ingest in groups; a recipe holds all of them."""

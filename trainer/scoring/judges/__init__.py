"""Which model judges which rows: one model all of them, each series its own, or several models together."""

"""Starting a training: of one model, or of one for each series."""

"""From a trained model to a file that other programs run: normaliser, model and scorer in one graph."""

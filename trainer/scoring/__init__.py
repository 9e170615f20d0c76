"""From a trained model to scores of rows, and what they are worth."""

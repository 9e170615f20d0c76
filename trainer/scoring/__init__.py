"""From a trained model to scores of rows, and how well they find labels."""

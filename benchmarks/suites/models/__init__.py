"""What is measured of models: how fast they train and score, and what their scores find."""

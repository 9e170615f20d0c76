"""What the rest of long logs holds that a sample of them lacks."""

"""What trained models find, and what it takes to train many."""

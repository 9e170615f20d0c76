"""What a training step needs: state, loss, gradients, precision, ranks and checkpoints."""

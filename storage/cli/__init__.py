"""What the commands of every stage share."""

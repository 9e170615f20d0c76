"""What is measured on: logs and stores that are made, each the same every time."""

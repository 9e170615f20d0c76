"""What torch, Lightning, Accelerate and torchrun expect of a loader, and what they say about this process."""

"""Object stores: what they answer, and which addresses can be theirs."""

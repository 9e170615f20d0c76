"""How anything is measured: timing, processes of their own, the machine, and the form of a result."""

"""An invented hotline: callers, queues and agents, so that waits follow from load.

The core (`profile`, `demand`, `incidents`, `simulation`) is pure and deterministic: the same profile,
seed and start give the same calls, however it is advanced. `run` and `demo` publish what it says.
"""

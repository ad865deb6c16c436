"""What rules and detectors would have said of the past: the very code that judges live, told of stored minutes."""

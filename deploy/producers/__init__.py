"""What sends calls: exports replayed by a mapping, and a simulator. Anyone's producer may do the same by the contract."""

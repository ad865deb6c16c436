"""Calls become numbers: intake, visits, cells, merge, detection."""

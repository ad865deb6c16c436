"""Signals become messages to people: rules, lifecycle, channels."""

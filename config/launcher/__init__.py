"""Starts everything Tributary needs on one machine; standard library only."""

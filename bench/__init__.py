"""Measuring Tributary against SQL written by hand: ratios of one run, on one machine."""

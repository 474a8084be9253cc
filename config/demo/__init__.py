"""The demo: real purchases of 1997-98 moved to today, with invented names, so that a newcomer sees living segments."""

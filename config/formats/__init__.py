"""How dates and numbers are written where a page does not say it itself."""

"""The house as a whole: doors, health, live pages, back office, first start and demo."""

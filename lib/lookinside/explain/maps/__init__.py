"""Feature maps: which of them are selected, and how they are weighted, summed and enlarged."""

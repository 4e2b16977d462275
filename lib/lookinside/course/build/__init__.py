"""What makes pages, decks, students' copies and runs from the chapters' sources; no notebook imports it."""

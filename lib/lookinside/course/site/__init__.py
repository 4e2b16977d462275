"""`make site`: everything that the course has to show, as one folder of pages that opens with no network."""

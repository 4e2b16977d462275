"""`make site`: everything that the course has to show, as one folder of pages that opens with no network."""

import lookinside.course.build  # noqa: F401  # says in a line what is missing, also where a program starts

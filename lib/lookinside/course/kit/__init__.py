"""The instructor's kit: lecture plans, answers, handouts and a syllabus, made from the marks in the chapters."""

import lookinside.course.build  # noqa: F401  # says in a line what is missing, also where a program starts

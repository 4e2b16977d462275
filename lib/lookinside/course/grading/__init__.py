"""The instructor's table: students' notebooks executed one by one, their predictions and exercises counted."""

import lookinside.course.build  # noqa: F401  # says in a line what is missing, also where a program starts

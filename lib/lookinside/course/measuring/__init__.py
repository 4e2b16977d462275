"""The record: a chapter's trials worked off by processes of one machine, or of several, and records joined."""

import lookinside.course.build  # noqa: F401  # says in a line what is missing, also where a program starts

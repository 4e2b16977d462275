"""The instructor's kit: lecture plans, answers, handouts and a syllabus, made from the marks in the chapters."""

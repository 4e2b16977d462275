"""The instructor's table: students' notebooks executed one by one, their predictions and exercises counted."""

"""Distill a student, report on it, keep a register of students."""

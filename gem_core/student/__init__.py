"""The student: a hashed linear classifier that labels text at reading speed (GEM, arXiv 2605.26121)."""

from gem_core.student.calibration import calibrate_student
from gem_core.student.model import Scores, Student
from gem_core.student.storage import load_student, save_student
from gem_core.student.training import StudentConfig, train_student

__all__ = ["Scores", "Student", "StudentConfig", "calibrate_student", "load_student", "save_student", "train_student"]

"""Labels by a language model, and subtopics."""

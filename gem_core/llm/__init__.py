"""Client for language models behind any OpenAI-compatible server, and checks of their answers."""

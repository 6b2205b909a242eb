"""Ask a language model through any OpenAI-compatible server, and read its answers."""

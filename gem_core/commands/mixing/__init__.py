"""The commands of gem-explorer mix."""

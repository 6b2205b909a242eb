"""The commands of gem-explorer, a module a noun; gem_core.cli puts them together."""

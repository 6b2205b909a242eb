"""The commands of gem-explorer, one module per noun; gem_core.cli puts them together."""

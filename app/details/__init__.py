"""Details of what is selected: cluster card and edit actions, document lists, document reader."""

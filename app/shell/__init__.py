"""What surrounds every view: header, deep links, shortcuts, tour, requirements, activity."""

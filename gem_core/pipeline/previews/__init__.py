"""What other settings would change, before they are applied."""

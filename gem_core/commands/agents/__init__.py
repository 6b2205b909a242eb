"""Tools that a program (an agent) calls over the Model Context Protocol to read and edit a workspace."""

"""What all commands share on a terminal: texts, tables, errors and signals."""

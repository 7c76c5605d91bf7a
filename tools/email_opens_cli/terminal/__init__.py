"""What all commands share on a terminal: options, tables, errors and signals."""

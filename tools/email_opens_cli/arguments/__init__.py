"""What a person asks for: the options, the e-mails, the times and the stack of a command."""

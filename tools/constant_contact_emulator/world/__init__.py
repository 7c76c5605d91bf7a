"""What exists at the vendor: accounts, campaigns, and the rows of their reports."""

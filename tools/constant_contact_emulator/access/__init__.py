"""Who may send requests, and how many: tokens, consent, and limits."""

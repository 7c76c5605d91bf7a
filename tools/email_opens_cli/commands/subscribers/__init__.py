"""The commands about who receives the opens: subscribe, unsubscribe and subscriptions."""

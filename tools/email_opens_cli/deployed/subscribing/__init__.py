"""Subscriptions to the topic: what they need on AWS, how it is created, and how it is removed."""

"""Adapters for Constant Contact's V3 API."""

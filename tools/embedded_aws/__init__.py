"""MiniStack on this machine: starts it, builds and deploys the real template, and cleans up."""

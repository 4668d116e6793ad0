"""The conversation: who is answered and from what, and what becomes of ratings and commands."""

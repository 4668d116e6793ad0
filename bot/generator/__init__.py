"""The shared generator: one base model, many channels, adapters swapped between two steps."""

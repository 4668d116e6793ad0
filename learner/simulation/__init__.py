"""A community that is not there: what it says, and how it talks, rates and is reported on."""

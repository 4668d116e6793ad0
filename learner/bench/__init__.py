"""The continual-learning benchmark: does learning in a sequence of rounds forget?"""

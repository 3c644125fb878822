"""A model for other tools: what they read, made of the numbers of model.json.

Every export finds columns by their names, takes values in their own units, and answers with the ids
that people know. Nothing is unpickled to make one.
"""

"""What the product does: the contract, the model, training and scoring."""

"""One customer in the committed runs: an index of each run, what it says, and forgetting."""

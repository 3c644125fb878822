"""Who may ask what, and how often: keys, tokens, scopes, rates, and pages of other sites."""

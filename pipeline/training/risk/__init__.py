"""The risk score: fitted, judged on customers that it did not see, kept where it tells more."""

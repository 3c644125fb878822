"""An invented customer file and the script that invents it."""

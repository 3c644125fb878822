"""The commands about contracts: drafting one, and checking one."""

"""Every performance figure, one after the other: commands, files, then HTTP."""

from benchmarks import cold, files, http

if __name__ == "__main__":
    cold.main()
    files.main([])
    http.main([])

"""Every performance figure, one after the other: files, then HTTP."""

from benchmarks import files, http

if __name__ == "__main__":
    files.main([])
    http.main([])

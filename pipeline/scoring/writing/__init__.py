"""How the files of a run are written: text, documents and workbooks."""

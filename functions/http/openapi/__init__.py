"""The OpenAPI document: a table of operations, and fields from the contract of the live model.

To describe an address, put an `Operation` (see `operation.py`) into the tuple OPERATIONS of a
module here, and that module into `table.py`. An operation is in the document where a route of the
application answers it, however that route is made; the settings decide which there are. Shapes are
TypedDicts of `functions/http/schemas.py`: a class's docstring describes it, and a string below a
field describes the field. All of this is imported with the first request for the document.
"""

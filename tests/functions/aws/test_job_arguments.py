"""What the batch function tells the job that it starts."""

from hypothesis import example, given
from hypothesis import strategies as st

from functions.aws.job_arguments import Order
from functions.aws.objects import Source
from pipeline.reading.options import ReadingOptions


@given(st.text(st.characters(codec="utf-8"), min_size=1))
@example("März 2026/a+b (1) %20.csv")
@example("--challenger=x\n")
def test_an_order_reaches_the_job_in_ascii_whatever_the_key(key: str) -> None:
    source = Source("bucket", key, f"x{key}", "v/1+2", "etag")
    reading = ReadingOptions("\t", ",", "space", "cp1250", sheet=key, header_row=3)
    order = Order(source, f"s3:{key}", "s3://out/results", "s3://models", "v1", "v2", reading)
    assert all(argument.isascii() and argument.isprintable() for argument in order.arguments)
    assert Order.from_arguments(order.arguments) == order

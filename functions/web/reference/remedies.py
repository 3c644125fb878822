"""What to do about each problem, and about each wrong field."""

from dataclasses import dataclass

from functions.http.openapi.problems import EXAMPLES
from functions.http.problems import TITLES


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a client does about a problem.

    Args:
        status: The HTTP status that the code comes with.
        remedy: What to do.
        again: Whether the same request may succeed later.
    """

    status: int
    remedy: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A code as the page shows it."""

    code: str
    title: str
    example: str
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class FieldCode:
    """A code that names what is wrong with one field."""

    code: str
    meaning: str
    remedy: str


def problem_rows() -> list[ProblemRow]:
    """Every code, by status."""
    rows = [
        ProblemRow(code, title, EXAMPLES.get(code, ""), REMEDIES.get(code))
        for code, title in TITLES.items()
    ]
    return sorted(rows, key=lambda row: row.remedy.status if row.remedy else 600)


REMEDIES = {
    "invalid_json": Remedy(
        400,
        "Make the body with a JSON library: no comment, no trailing comma, no `NaN`, no key "
        "twice, UTF-8, at most 32 levels deep.",
    ),
    "invalid_encoding": Remedy(
        400,
        "Pack the body once, or send it without `Content-Encoding`.",
    ),
    "unauthorised": Remedy(
        401,
        "Send the key with every request. If you do, look for a blank or line break at its end, "
        "and ask whoever runs this server whether it still holds.",
    ),
    "invalid_token": Remedy(
        401,
        "Get a new token from its issuer: this one has expired, or is for others, as the `detail` "
        "says. Get the next one before it expires, and not with every request.",
    ),
    "missing_scope": Remedy(
        403,
        "Ask whoever runs this server for a key, or a token, with the scope that the `detail` "
        "names. Asking again changes nothing.",
    ),
    "forbidden": Remedy(
        403,
        "The key is known, or none is needed, and yet this is not yours to do: the `detail` says "
        "what is missing. Programs send neither `Origin` nor `Sec-Fetch-Site`. A server behind a "
        "proxy has to know the address of its pages (`CUSTOMER_CLUSTERS_PUBLIC_URL`).",
    ),
    "not_found": Remedy(
        404,
        "The address is wrong: compare it with this page, from `/v1` on. What stands before it (a "
        "stage, a proxy’s path) is part of the address.",
    ),
    "unknown_cluster": Remedy(
        404,
        "The address is right, the cluster is not there. Take ids from `GET /v1/clusters`; they "
        "may change with `model_version`.",
    ),
    "unknown_customer": Remedy(
        404,
        "Write the id as the file has it: `007` is not `7`. He may also be in files that were "
        "scored before there was an index.",
    ),
    "unknown_model": Remedy(
        404,
        "The address is right, the model is not there. The `detail` names those that there are.",
    ),
    "method_not_allowed": Remedy(
        405,
        "Take the method that the header `Allow` names: look-ups are `POST`, so that no values of "
        "a customer stand in an address.",
    ),
    "timeout": Remedy(
        408,
        "Send the request again, in smaller batches where the line is slow.",
        again=True,
    ),
    "results_gone": Remedy(
        404,
        "Results are kept for a while. Score the file again: the same file and model give the "
        "same results.",
    ),
    "no_history": Remedy(
        404,
        "No file of that kind was scored yet, or its run is gone.",
    ),
    "too_large": Remedy(
        413,
        "Send fewer customers at once, and whole files as files. The limit counts bytes after "
        "unpacking.",
    ),
    "unsupported_media_type": Remedy(
        415,
        "Send `Content-Type: application/json`, and of encodings gzip or none. curl’s `-d` sends "
        "another type where no header says which.",
    ),
    "invalid_request": Remedy(
        422,
        "It is JSON, and not what this address takes: compare it with the sample. The `detail` "
        "says what was expected.",
    ),
    "invalid_customer": Remedy(
        422,
        "Look at `errors`: one entry for each wrong field, with the code of what is wrong. "
        "Correct the values, do not guess them. In a batch such customers are in `rejected`, and "
        "the others are assigned.",
    ),
    "invalid_file": Remedy(
        422,
        "The file is refused whole: correct what the `detail` names, or say how the file is "
        "written.",
    ),
    "invalid_form": Remedy(
        422,
        "A field of the form, or an option, has a value that it cannot have.",
    ),
    "invalid_list": Remedy(
        422,
        "A parameter of the list has a value that it cannot have, or nobody is on it.",
    ),
    "too_many_requests": Remedy(
        429,
        "Wait for as long as `Retry-After` says, or a second where there is none, then send fewer "
        "at once. One batch is cheaper than many look-ups.",
        again=True,
    ),
    "headers_too_large": Remedy(
        431,
        "Send fewer cookies and headers. No address here needs a long query.",
    ),
    "internal_error": Remedy(
        500,
        "Try once more. If it comes again, tell whoever runs this server the `instance`: it names "
        "the line in the log.",
        again=True,
    ),
    "busy": Remedy(
        503,
        "Wait for as long as `Retry-After` says.",
        again=True,
    ),
    "storage_unavailable": Remedy(
        503,
        "Wait for as long as `Retry-After` says. It is the storage of files that does not answer; "
        "look-ups go on.",
        again=True,
    ),
    "job_gone": Remedy(
        404,
        "The address is right, the job is not there: jobs are kept for a while. Send the file "
        "again: the same file and model give the same results.",
    ),
    "idempotency_key_reused": Remedy(
        422,
        "Make a new `Idempotency-Key` for each file, such as a UUID, and send the same one only "
        "when you send the same file once more.",
    ),
    "interrupted": Remedy(
        503,
        "Send the file again: the job ended with the server that had it.",
        again=True,
    ),
    "not_acceptable": Remedy(
        406,
        "Send no `Accept`, or one that names a content type which this address answers in.",
    ),
    "answer_too_large": Remedy(
        413,
        "Send fewer customers at once, ask for fewer fields or for a packed answer "
        "(`Accept-Encoding: gzip`), or send whole files as files.",
    ),
    "rate_exceeded": Remedy(
        429,
        "Wait for as long as `Retry-After` says. The headers `RateLimit` and `RateLimit-Policy` "
        "tell before that how many requests remain.",
        again=True,
    ),
    "too_many_attempts": Remedy(
        401,
        "Stop, and correct the key: others behind the same address wait with you.",
        again=True,
    ),
    "keys_unavailable": Remedy(
        503,
        "Wait for as long as `Retry-After` says. API keys are not concerned.",
        again=True,
    ),
    "model_unavailable": Remedy(
        503,
        "Wait for as long as `Retry-After` says. `GET /health/ready` tells when a model answers.",
        again=True,
    ),
}
"""Code → what to do about it."""
FIELD_CODES = (
    FieldCode("missing", "The field is not there, or null.", "Send a value, by the field’s name "
              "letter by letter. Where a field may be left out, its row says so."),
    FieldCode("not_a_number", "It is no number, such as `\"38\"` or `true`.", "Send a JSON number, "
              "without quotes."),
    FieldCode("not_an_integer", "A whole number was expected, such as 38.", "Send no decimals."),
    FieldCode("not_finite", "It is infinite, or not a number.", "Find out why your program has no "
              "number there."),
    FieldCode("ambiguous_number", "A text that can be read as two numbers, such as `1,900`. It "
              "comes of files and forms only.", "Say which decimal mark the file has."),
    FieldCode("error_cell", "The cell of a workbook holds an error.", "Correct it in the "
              "workbook."),
    FieldCode("out_of_range", "No customer can have such a value.", "Look at unit and range: cents "
              "for dollars are the usual reason."),
    FieldCode("not_text", "A text was expected.", "Send a JSON string."),
    FieldCode("unknown_value", "A category that the model does not know.", "Take one of those that "
              "are listed, letter by letter."),
    FieldCode("not_an_id", "The id is neither a text nor a whole number.", "Send at most 100 "
              "characters."),
    FieldCode("not_an_object", "A customer is not an object.", "Send features by name: "
              "`{\"feature\": value}`."),
    FieldCode("unknown_feature", "`ways` names a feature that the model does not have.", "Take "
              "the names of the model’s features."),
    FieldCode("not_actionable", "`ways` lets a feature change in a way that the contract does not "
              "allow.", "Take one of the ways that are listed."),
)  # fmt: skip
"""What is wrong with one field, in `errors`."""

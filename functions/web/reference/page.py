"""Everything that the template of the page `/docs` names."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from functions.http.openapi.contract_schemas import example_customer
from functions.live_model import LoadedModel
from functions.settings import Settings
from functions.web.reference.answers import as_text, ask
from functions.web.reference.fields import FieldTable
from functions.web.reference.limits import limits
from functions.web.reference.numbers import worked_numbers
from functions.web.reference.operations import Reader, chapters
from functions.web.reference.remedies import FIELD_CODES, problem_rows
from functions.web.reference.samples import Call, failing_samples, samples
from pipeline.model.contract import Contract

_ASSIGN = "/v1/assign"
_FIRST = ("warning", "cluster", "churn", "margin")
"""What most programs show of an answer."""
_UNLABELLED = frozenset({"churn", "churn_rate", "risk_score"})
"""What a model cannot say whose customers had no label in training."""
_LANGUAGES = ("curl", "Python", "JavaScript", "PowerShell")


async def reference_view(
    request: Request, loaded: LoadedModel, settings: Settings
) -> Mapping[str, object]:
    """The view of the page.

    Args:
        request: The reader's request.
        loaded: The model that answers.
        settings: Those of this server.
    """
    document = request.scope.get("openapi", request.app.openapi)()
    contract = loaded.model.contract
    schemes = document["components"].get("securitySchemes", {})
    reader = Reader(
        request,
        document,
        FieldTable(
            document["components"]["schemas"],
            {item.name: item.unit for item in contract.features},
            _UNLABELLED if loaded.model.churn_rate is None else frozenset(),
        ),
        loaded.model.clusters[0].id,
        bool(schemes),
    )
    customer = example_customer(loaded)
    wrong = _wrong_customer(contract, customer)
    first = Call("POST", reader.site + _ASSIGN, customer, with_key=bool(schemes))
    failing = Call("POST", reader.site + _ASSIGN, wrong, with_key=bool(schemes))
    _, answer = await ask(request, "post", _ASSIGN, customer)
    _, problem = await ask(request, "post", _ASSIGN, wrong)
    described = await chapters(reader)
    return {
        "languages": [(title.lower(), title) for title in _LANGUAGES],
        "site": reader.site,
        "api_version": document["info"]["version"],
        "schemes": [scheme["description"] for scheme in schemes.values()],
        "start": samples(first),
        "answer": answer,
        "beginning": as_text({name: answer[name] for name in _FIRST if answer[name] is not None}),
        "numbers": worked_numbers(answer),
        "chapters": described,
        "assign_id": document["paths"][_ASSIGN]["post"]["operationId"],
        "failing": failing_samples(failing),
        "problem": as_text(problem),
        "problems": problem_rows(),
        "field_codes": FIELD_CODES,
        "limits": limits(settings, on_port="aws.event" not in request.scope),
    }


def _wrong_customer(contract: Contract, customer: Mapping[str, Any]) -> dict[str, Any]:
    """A customer whose first value is of another kind, and whose second one is left out."""
    first, *others = contract.features
    wrong: Any = "many" if first.numeric else 0
    left_out = {feature.name for feature in others[:1]}
    kept = {name: value for name, value in customer.items() if name not in left_out}
    return {**kept, first.name: wrong}

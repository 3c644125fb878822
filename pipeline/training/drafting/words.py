"""What names of columns and values of labels say, in the words that files use."""

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PERSON = r"(customer|client|account|acct|member|user|subscriber|person|card|policy|kunde\w*|konto)"
_ID = re.compile(
    rf"(id|uuid|guid|msisdn|{_PERSON}_?(id|nr|no|num|number|nummer|key|code)|{_PERSON})"
)
_ID_LIKE = re.compile(r"\w+_(id|uuid|guid|key|nr|no|num|number|nummer|code|ref)")
_ROW = re.compile(
    r"(row|line|record|obs|unnamed|index|serial|sr|sl)_?(id|no|nr|num|number|0)?|index"
)
_CHURN = re.compile(
    r"(churn|exit|attrit|cancel|laps(ed|ing)|left|lost|terminat|unsubscri|resign|defect|quit"
    r"|abgewandert|abwander|gek[uü]ndigt|k[uü]ndigung|kuendig)\w*"
)
_SENSITIVE = re.compile(
    r"gender|sex|age|birth\w*|dob|senior|citizen|race|ethnic\w*|religio\w*|national\w*|marital"
    r"|married|marriage|family|partner|dependents?|dependent|child(ren)?|kids|disab\w*|pregnan\w*"
    r"|language|education|income|salary|geography|country|region|state|city|zip\w*|postal|postcode"
    r"|plz|latitude|longitude|geschlecht|geburt\w*|alter|familienstand|wohnort|bundesland"
)
_FIXED = re.compile(r"tenure|t|months_on_book|customer_since|subscription_length|vintage")
_CODES = re.compile(r"zip\w*|postal\w*|postcode|plz")
_MONEY = re.compile(
    r"amt|amount|balance|bal|charges?|fees?|price|salary|income|revenue|limit|spend|spent|money"
    r"|paid|payment|cost|sales|turnover|credit|umsatz|betrag|preis|gehalt"
)
_NOT_MONEY = re.compile(
    r"score|count|ct|number|num|ratio|rate|pct|percent|share|freq\w*|group|chng"
)
_TIMES = ("seconds", "minutes", "hours", "days", "weeks", "months", "years")
_COUNT = re.compile(r"count|ct|num|number|nr|products?|age|visits?|calls?|orders?|months?|days?")
MONEY = "EUR"
"""The unit that is proposed for money; files do not say which it is."""
_DATE = re.compile(r"date|datum|day|datetime|timestamp|when")
_ORDER = re.compile(
    r"(order|invoice|basket|receipt|transaction|trans|bestellung|rechnung|bon)s?"
    r"(_?(id|nr|no|num|number|nummer|key|code|ref))?"
)
_TOTAL = re.compile(r"total|value|usd|eur|gbp|dollars?|euros?")
_PRICE = re.compile(r"price|preis")
_SHARE = re.compile(r"ratio|share|utili[sz]ation|pct|percent|fraction|proportion")
_CHURNED = re.compile(
    r"yes|y|true|t|1|churn(ed)?|exit(ed)?|left|attrited|cancell?ed|lost|lapsed|closed|gone|former"
    r"|terminated|ja|inactive"
)
_STAYED = re.compile(
    r"no|n|false|f|0|stayed|existing|retained|active|current|open|loyal|nein|remained"
)


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's name, in lower case: of `TotalCharges`, total and charges."""
    spaced = _CAMEL.sub(" ", name)
    return tuple(re.findall(r"[^\W_]+", spaced.lower()))


def for_people(name: str) -> str:
    """A column's name as a label."""
    words = re.findall(r"[^\W_]+", _CAMEL.sub(" ", name))
    shouted = name.upper() == name  # else capitals are an abbreviation, such as TV
    text = " ".join(
        word if word.isupper() and len(word) > 1 and not shouted else word.lower() for word in words
    )
    return text[:1].upper() + text[1:] if text else name


def name_of_flag(name: str) -> str:
    """What somebody is or has of whom a flag is 1: of `IsActiveMember`, active member."""
    first, *rest = for_people(name).split() or [name]
    first = first if first.isupper() else first.lower()
    return " ".join(rest if first in ("is", "has") and rest else [first, *rest])


def names_an_id(name: str) -> int:
    """How clearly a name is that of an id: 2 for a customer's, 1 for another's, else 0."""
    joined = "_".join(words_of(name))
    if names_a_row(name):
        return 0
    if _ID.fullmatch(joined):
        return 2
    return 1 if _ID_LIKE.fullmatch(joined) else 0


def names_a_row(name: str) -> bool:
    """Whether a name is that of a row's number."""
    return _ROW.fullmatch("_".join(words_of(name))) is not None


def names_churn(name: str) -> bool:
    """Whether a name speaks of customers who left."""
    return any(_CHURN.fullmatch(word) for word in words_of(name))


def names_a_code(name: str) -> bool:
    """Whether its digits are no amount, as those of a postal code."""
    return _any(_CODES, name)


def names_a_trait(name: str) -> bool:
    """Whether a name is that of a trait by which people must not be treated differently."""
    return _any(_SENSITIVE, name)


def names_what_is_fixed(name: str) -> bool:
    """Whether nobody can change it, such as a time that has passed."""
    return _FIXED.fullmatch("_".join(words_of(name))) is not None


def names_a_count(name: str) -> bool:
    """Whether it counts something, so that whole numbers are no codes."""
    return _any(_COUNT, name)


def names_a_share(name: str) -> bool:
    """Whether it is a share of something."""
    return _any(_SHARE, name)


def unit_of(name: str) -> str:
    """The unit that a name suggests; empty where it suggests none."""
    for word in _TIMES:
        if word in words_of(name):
            return word
    if "age" in words_of(name) and "group" not in words_of(name):
        return "years"
    if "tenure" in words_of(name):
        return "months"
    return MONEY if _any(_MONEY, name) and not _any(_NOT_MONEY, name) else ""


def names_a_date(name: str) -> bool:
    """Whether it is that of a day."""
    return _any(_DATE, name)


def names_an_order(name: str) -> bool:
    """Whether it says which order, invoice or basket a row is of."""
    return _ORDER.fullmatch("_".join(words_of(name))) is not None


def names_money(name: str) -> bool:
    """Whether it is that of a sum of money; the price of one piece is none."""
    return (_any(_MONEY, name) or _any(_TOTAL, name)) and "unit" not in words_of(name)


def names_a_price(name: str) -> bool:
    """Whether it is that of a price, which may be of one piece."""
    return _any(_PRICE, name)


def names_a_quantity(name: str) -> bool:
    """Whether it says how many pieces."""
    return any(word in ("quantity", "qty", "menge", "pieces", "units") for word in words_of(name))


def means_churned(value: str) -> bool | None:
    """Whether a label's value says churned; None where it says neither that nor stayed."""
    words = words_of(value)
    said = {True for word in words if _CHURNED.fullmatch(word)}
    said |= {False for word in words if _STAYED.fullmatch(word)}
    if len(said) != 1:
        return None
    return said.pop() != any(word in ("not", "non") for word in words)


def _any(pattern: re.Pattern[str], name: str) -> bool:
    return any(pattern.fullmatch(word) for word in words_of(name))

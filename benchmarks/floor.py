"""What FastAPI itself costs: one pydantic route and a constant answer, nothing else."""

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Customer(BaseModel):
    """The features of the champion."""

    Total_Revolving_Bal: float
    Total_Trans_Amt: float
    Total_Trans_Ct: int


class Answer(BaseModel):
    """The least that a look-up answers."""

    cluster: int


@app.post("/v1/assign")
async def assign(customer: Customer) -> Answer:
    """Answer the same to everybody."""
    return Answer(cluster=1)

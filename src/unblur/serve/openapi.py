"""The OpenAPI description, with what FastAPI does not know."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI

from unblur.serve.security import HEALTH


def describe(app: FastAPI, models: list[str], token: bool) -> None:
    """Corrects the app's description, given the models' names and whether there is a token."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = copy.deepcopy(made())  # parts of it belong to the routes' modules
            _correct(schema, models, token)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi


def _correct(schema: dict[str, Any], models: list[str], token: bool) -> None:
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _name_models(operation, models)
            # Wrong options are answered as everything else is (`errors.invalid`).
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
            if token and path not in HEALTH:
                operation["security"] = [{"token": []}]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    if token:
        schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}


def _name_models(operation: dict[str, Any], models: list[str]) -> None:
    body = operation.get("requestBody", {}).get("content", {})
    form = body.get("multipart/form-data", {}).get("schema", {}).get("properties", {})
    for given in operation.get("parameters", []):
        if given["name"] == "model":
            given["schema"] = {"type": "string", "enum": models, "default": models[0]}
            if "model" in form:
                form["model"] = {**form["model"], **given["schema"]}

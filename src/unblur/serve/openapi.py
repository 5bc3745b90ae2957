"""The OpenAPI description, with what FastAPI does not know."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from unblur.serve.security import HEALTH


def describe(app: FastAPI, models: list[str], token: bool) -> None:
    """Corrects the app's description, given the models' names and whether there is a token."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = copy.deepcopy(made())  # parts of it belong to the routes' modules
            _remove_fastapis_422(schema)
            _name_models(schema, models)
            if token:
                _require_token(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            yield path, operation


def _remove_fastapis_422(schema: dict[str, Any]) -> None:
    """Wrong options are answered as everything else is (`errors.invalid`)."""
    for _, operation in _operations(schema):
        if "HTTPValidationError" in str(operation["responses"].get("422")):
            del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _name_models(schema: dict[str, Any], models: list[str]) -> None:
    for _, operation in _operations(schema):
        body = operation.get("requestBody", {}).get("content", {})
        form = body.get("multipart/form-data", {}).get("schema", {}).get("properties", {})
        for given in operation.get("parameters", []):
            if given["name"] == "model":
                given["schema"] = {"type": "string", "enum": models, "default": models[0]}
                form["model"] = {**form["model"], **given["schema"]}


def _require_token(schema: dict[str, Any]) -> None:
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operation in _operations(schema):
        if path not in HEALTH:
            operation["security"] = [{"token": []}]

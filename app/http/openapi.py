"""/openapi.json: what a client may send, and every answer that it may get, refusals included.

A route says what it answers (`answers`, `refuses`) and takes (the decorators of quart-schema). What
no route says, because it holds for all of them, comes from `request_rules`.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, TypeVar

from pydantic import TypeAdapter
from quart import Quart
from quart_schema import Info, QuartSchema
from quart_schema.openapi import OpenAPIProvider
from werkzeug.routing.rules import Rule

from app.errors import NotLoggedIn, Problem
from app.http.request_rules import rules_refuse

COMPONENT = "#/components/schemas/{model}"
ANSWERS, REFUSES = "_napvi_answers", "_napvi_refuses"
LOGIN = "login"

Anything: Any = Any
"""A body that has to be there and is not read."""

Described = dict[str, Any]
"""A piece of an OpenAPI 3.1 document."""

Route = TypeVar("Route", bound=Callable[..., Any])


def answers(
    model: object, status: int = 200, media_type: str = "application/json"
) -> Callable[[Route], Route]:
    """This route may succeed with `model`, or with nothing at all when that is None."""

    def describe(route: Route) -> Route:
        earlier = getattr(route, ANSWERS, {})
        setattr(route, ANSWERS, {str(status): (model, media_type)} | earlier)
        return route

    return describe


def refuses(*problems: type[Problem]) -> Callable[[Route], Route]:
    """This route may end with one of `problems`; with NotLoggedIn, it wants a login."""

    def describe(route: Route) -> Route:
        setattr(route, REFUSES, (*problems, *getattr(route, REFUSES, ())))
        return route

    return describe


def install_openapi(app: Quart, version: str, login_cookie: str) -> None:
    QuartSchema(
        app,
        info=Info("napvi", version),
        # The interactive viewers load scripts from elsewhere; the document alone is enough.
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        # Answers are plain already; pydantic would take each apart anew, a tenth of a request.
        conversion_preference="msgspec",
        security_schemes={LOGIN: {"type": "apiKey", "name": login_cookie, "in_": "cookie"}},
        openapi_provider_class=ApiDocument,
    )


class ApiDocument(OpenAPIProvider):
    """What quart-schema gathers, without what it gets wrong or cannot say."""

    def schema(self) -> Described:
        return self._document

    @cached_property
    def _document(self) -> Described:
        """Made once: it takes 25 ms of everybody's time, and anybody may ask for it."""
        return super().schema()

    def generate_rules(self) -> Iterable[Rule]:
        """Routes that say what they answer: pages and /metrics are not for programs of others."""
        functions = self._app.view_functions
        return (
            rule
            for rule in self._app.url_map.iter_rules()
            if hasattr(functions[rule.endpoint], ANSWERS)
        )

    def build_paths(self, rule: Rule) -> tuple[Described, Described]:
        paths, components = super().build_paths(rule)
        route = self._app.view_functions[rule.endpoint]
        for path, operations in paths.items():
            for method, operation in operations.items():
                problems = {*rules_refuse(path, method.upper()), *getattr(route, REFUSES, ())}
                if NotLoggedIn in problems:
                    operation["security"] = [{LOGIN: []}]
                operation["responses"], used = _responses(getattr(route, ANSWERS), problems)
                components |= used
        return paths, components

    def build_querystring_parameters(self, model: Any) -> tuple[list[Described], Described]:
        return _parameters("query", model)

    def build_headers_parameters(self, model: Any) -> tuple[list[Described], Described]:
        return _parameters("header", model)

    def build_request_body(self, model: Any, source: object) -> tuple[Described, Described]:
        schema, components = _schema(model)
        return {"required": True, "content": {"application/json": {"schema": schema}}}, components


def _responses(
    successes: dict[str, tuple[object, str]], problems: Iterable[type[Problem]]
) -> tuple[Described, Described]:
    """`responses` of an operation, and the components that it refers to."""
    responses: Described = {}
    components: Described = {}
    for status, (model, media_type) in successes.items():
        responses[status] = {"description": getattr(model, "__doc__", None) or "Done"}
        if model is not None:
            schema, used = _schema(model)
            responses[status]["content"] = {media_type: {"schema": schema}}
            components |= used
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in sorted(problems, key=lambda problem: (problem.http_status, problem.code)):
        by_status.setdefault(problem.http_status, []).append(problem)
        components[problem.__name__] = problem_schema(problem)
    responses |= {str(status): _refusal(alike) for status, alike in by_status.items()}
    return responses, components


def _refusal(problems: list[type[Problem]]) -> Described:
    """A response that is one of `problems`, all of one status."""
    described: Described = {"description": ". ".join(problem.title for problem in problems)}
    if any(problem.retry_after_seconds is not None for problem in problems):
        described["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    refs = [{"$ref": COMPONENT.format(model=problem.__name__)} for problem in problems]
    schema = refs[0] if len(refs) == 1 else {"oneOf": refs}
    return described | {"content": {"application/problem+json": {"schema": schema}}}


def problem_schema(problem: type[Problem]) -> Described:
    """The documents that `Problem.document` makes (RFC 9457)."""
    text = {"type": "string"}
    fault = {
        "type": "object",
        "properties": {"field": text, "detail": text},
        "required": ["field", "detail"],
        "additionalProperties": False,
    }
    known = {name: {"const": value} for name, value in problem.constants().items()}
    return {
        "type": "object",
        "properties": known | {"detail": text, "errors": {"type": "array", "items": fault}},
        "required": list(known),
        "additionalProperties": False,
    }


def _parameters(place: str, model: Any) -> tuple[list[Described], Described]:
    """Those that quart-schema takes from a model, but under their names and with `required`."""
    schema, components = _schema(model)
    required = schema.get("required", ())
    parameters = [
        {"name": name, "in": place, "required": name in required, "schema": described}
        for name, described in schema["properties"].items()
    ]
    return parameters, components


def _schema(model: Any) -> tuple[Described, Described]:
    """The JSON schema of `model`, and the components that it refers to."""
    schema = TypeAdapter(model).json_schema(ref_template=COMPONENT)
    return schema, schema.pop("$defs", {})

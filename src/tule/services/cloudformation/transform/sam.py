"""AWS::Serverless-2016-10-31, by AWS's own translator.

AWS: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html

The translator keeps its region in a class attribute, so one translation runs at a time; it is slow to import and to run,
so both happen on a worker thread.
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.text import Document

NAME = "AWS::Serverless-2016-10-31"
_one_at_a_time = threading.Lock()
PolicyMap = dict[str, str]


async def transform(document: Document, parameters: Mapping[str, Any], region: str, managed_policies: Callable[[], Awaitable[PolicyMap]]) -> Document:
    """The plain CloudFormation template.  Raises TemplateError with all that the translator found wrong.

    `managed_policies` gives the ARNs of AWS's managed policies by name; asked for when the template names one.
    """
    loop = asyncio.get_running_loop()

    @cache
    def policies() -> PolicyMap:
        async def load() -> PolicyMap:
            return await managed_policies()

        return asyncio.run_coroutine_threadsafe(load(), loop).result()

    return await asyncio.to_thread(_translate, copy.deepcopy(document), dict(parameters), region, policies)


def _translate(document: Document, parameters: dict[str, Any], region: str, policies: Callable[[], PolicyMap]) -> Document:
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template

    with _one_at_a_time:
        to_py27_compatible_template(document, parameters)
        translator = Translator(None, Parser(), boto_session=_Session(region))  # type: ignore[arg-type]
        try:
            translated = translator.translate(document, parameters, passthrough_metadata=True, get_managed_policy_map=policies)
        except InvalidDocumentException as error:
            raise TemplateError(_failed(error.message, [cause.message for cause in error.causes])) from error
        finally:
            translator.metrics.publish()
    result = undo_mark_unicode_str_in_template(translated)
    result.pop("Transform", None)
    return result


class _Session:
    """All that the translator asks of a boto3 session."""

    def __init__(self, region: str) -> None:
        self.region_name = region


def _failed(message: str, causes: list[str]) -> str:
    said = " ".join([message, *(cause for cause in causes if cause not in message)])
    return f"Transform {NAME} failed with: {said}"

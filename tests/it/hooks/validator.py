"""Twilio's own SDK as the judge of signatures. Reads cases as JSON, and writes for each what the SDK says of it.

A case is {token, url, params, body, signature}: a form, with lists for parameters that repeat, or a JSON text. The answer is
the signature that the SDK makes of it, and whether it takes the one that was given.
"""

import json
import sys

from twilio.request_validator import RequestValidator


class Params(dict):
    def getlist(self, name):
        return self[name]


def judge(case):
    validator = RequestValidator(case["token"])
    if case.get("body") is not None:
        made = validator.compute_signature(case["url"], {})
        return {"made": made, "valid": validator.validate(case["url"], case["body"], case["signature"])}
    params = Params({name: list(values) for name, values in case["params"].items()})
    made = validator.compute_signature(case["url"], params)
    return {"made": made, "valid": validator.validate(case["url"], params, case["signature"])}


json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)

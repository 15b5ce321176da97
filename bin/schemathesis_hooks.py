"""What schemathesis is told beside the OpenAPI document: a mail is sent as the bytes it is."""

import schemathesis


@schemathesis.serializer("message/rfc822")
def mail(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")

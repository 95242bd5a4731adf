"""A limit on the bytes of a request's body."""

import json


class BodyLimit:
    """Middleware (ASGI) that answers 413 instead of reading a longer body.

    Args:
        app: the application behind it.
        most: bytes.
    """

    def __init__(self, app, *, most: int):
        self.app, self.most = app, most

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > self.most:
            await self._refuse(send)
            return
        count, begun = 0, False

        async def counted():
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self.most:
                raise _TooLong
            return message

        async def noted(message):
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except _TooLong:
            if not begun:
                await self._refuse(send)

    async def _refuse(self, send):
        detail = [{"field": "", "message": f"expected at most {self.most} bytes; send fewer texts"}]
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"detail": detail}).encode()})


class _TooLong(BaseException):  # so that the application does not handle it
    pass

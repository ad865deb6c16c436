"""A wire to ClickHouse that can be cut: passes bytes on, until told what to do to them."""

import contextlib
import socket
import threading
from typing import Self

DISK_FULL = "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"


class Relay:
    """Listens on loopback and passes everything to `port` and back."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self.sent = 0
        self.taken = threading.Event()
        self.heal()

    def heal(self) -> None:
        """Pass everything on again."""
        self._cut_after: int | None = None
        self._lose_answers = False
        self._hang = False
        self._refuse = ""

    def cut_after(self, count: int) -> None:
        """Cut each connection once so many more bytes have gone to the server."""
        self.sent, self._cut_after = 0, count

    def lose_answers(self) -> None:
        """Let all through to the server and nothing back."""
        self._lose_answers = True

    def hang(self) -> None:
        """Take everything, pass nothing on and answer nothing; `taken` is set once something was."""
        self.taken.clear()
        self._hang = True

    def refuse(self, what: str) -> None:
        """Answer every insert with this error instead of passing it on."""
        self._refuse = what

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._listener.close()
        for it in self._open:
            it.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1_024):
                if self._hang:
                    self.taken.set()
                    continue
                if self._refuse and b"INSERT" in data:
                    self._answer(client)
                    break
                self.sent += len(data)
                if self._cut_after is not None and self.sent > self._cut_after:
                    break
                server.sendall(data)
        self._close(client, server)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if self._lose_answers:
                    break
                client.sendall(data)
        self._close(client, server)

    def _answer(self, client: socket.socket) -> None:
        body = self._refuse.encode()
        code = self._refuse.split()[1].rstrip(".")
        head = (
            f"HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: {code}\r\nContent-Length: {len(body)}"
        )
        client.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
        client.settimeout(0.5)
        while client.recv(65_536):  # what is still on its way must be read, or the answer is lost with it
            pass

    @staticmethod
    def _close(*both: socket.socket) -> None:
        for it in both:
            with contextlib.suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)
            it.close()

"""What a container's health check runs: is `/healthz` on this port of the container answered with 200?

    python healthcheck.py PORT

Exit code 0: healthy. 1: not, with the answer or the error as the check's output.
"""

import http.client
import sys

TIMEOUT_S = 4.0


def healthz(port: int) -> tuple[int, str]:
    """Status and text of `/healthz` on loopback; raises OSError or HTTPException where there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode(errors="replace")
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0].isdecimal():
        sys.stderr.write("usage: healthcheck.py PORT\n")
        return 1
    try:
        status, text = healthz(int(arguments[0]))
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"no answer on port {arguments[0]}: {error}\n")
        return 1
    sys.stdout.write(f"{status} {text}\n")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

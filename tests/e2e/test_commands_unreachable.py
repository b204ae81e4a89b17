"""What a command says of a server that it cannot reach, or that is not pgvend."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.certificates import make_certificate
from tests.support.command_line import CommandResult, run_command
from tests.support.fake_service import fake_service


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """Serve these bytes to each connection, and close it; yield the host and port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def check_unreachable(url: str, text: str) -> CommandResult:
    result = await run_command("list", PGVEND_URL=url)
    assert (result.status, result.stdout) == (6, "")
    assert result.stderr.startswith("pgvend: ")
    assert result.stderr.count("\n") == 1
    assert text in result.stderr
    return result


async def test_an_untrusted_certificate_is_reported(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = await make_certificate(tmp_path)
    context.load_cert_chain(certificate.cert, certificate.key)
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await check_unreachable(url, f"The certificate of {url} is not trusted (self-signed")


async def test_a_port_without_a_server_is_reported() -> None:
    await check_unreachable("http://127.0.0.1:1", "Nothing listens at http://127.0.0.1:1:")


async def test_a_port_of_another_protocol_is_reported() -> None:
    async with answering(b"220 mail.example ESMTP\r\n") as address:
        await check_unreachable(f"http://{address}", "gave no HTTP answer")
        await check_unreachable(f"https://{address}", "does not answer in TLS")
    async with answering(b"") as address:
        await check_unreachable(f"http://{address}", "gave no HTTP answer")


async def test_another_web_server_is_reported() -> None:
    async with fake_service(b"<h1>Welcome</h1>") as service:
        await check_unreachable(service.url, "is not a pgvend service")


async def test_a_redirect_is_reported_and_not_followed() -> None:
    head = b"HTTP/1.1 301 Moved\r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n"
    async with answering(head) as address:
        await check_unreachable(f"http://{address}", "redirects to https://other.example/:")


async def test_a_proxy_without_pgvend_behind_it_is_reported() -> None:
    async with fake_service(b"<h1>Bad Gateway</h1>", status=502) as service:
        await check_unreachable(service.url, "cannot reach pgvend (HTTP 502)")


async def test_the_reason_is_printed_as_json_on_request() -> None:
    result = await run_command("list", "--json", PGVEND_URL="http://127.0.0.1:1")
    problem = json.loads(result.stderr)
    assert (result.status, result.stdout) == (6, "")
    assert (problem["code"], problem["retryable"]) == ("unreachable", False)
    assert problem["detail"].startswith("Nothing listens")

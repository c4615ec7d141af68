"""A Lambda sandbox as a process of the host: aws-lambda-ric, which polls a Runtime API (2018-06-01) of its own.

States of a sandbox: starting, idle, busy, gone. A function that runs out of time is killed, and one that ends by itself is gone; the
next invocation starts another process, as in Lambda.
"""
import base64
import json
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from concurrent.futures import Future, TimeoutError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

LOG = logging.getLogger(__name__)
BASE = "/2018-06-01/runtime/"
HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response"


def buffered_response(content_type, body):
    """LocalStack knows buffered answers of a Function URL only; a streamed one is its prelude, eight zeros, and its body."""
    if content_type != HTTP_INTEGRATION:
        return body
    prelude, _, content = body.partition(b"\0" * 8)
    answer = json.loads(prelude)
    answer["body"] = base64.b64encode(content).decode()
    answer["isBase64Encoded"] = True
    return json.dumps(answer).encode()


class HostRuntimeExecutor(RuntimeExecutor):
    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self.proc = None
        self.env = {}
        self.server = None
        self.log = []
        self.log_lock = threading.Lock()
        self.next, self.pending, self.ready = queue.Queue(), {}, Future()

    # ------------------------------------------------------------ the process

    def start(self, env_vars):
        self.env = {name: str(value) for name, value in env_vars.items()}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True, name=f"runtime-api-{self.id}").start()
        self._spawn()
        self._await_init()

    def _spawn(self):
        function = self.function_version.config
        root = str(function.code.get_unzipped_code_location())
        self.next, self.pending, self.ready = queue.Queue(), {}, Future()
        env = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "NODE_OPTIONS": f"--max-old-space-size={max(64, int(function.memory_size * 0.9))}",
            **self.env,
            "LAMBDA_TASK_ROOT": root,
            "LAMBDA_RUNTIME_DIR": root,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        }
        proc = self.proc = subprocess.Popen(
            [os.environ["LAMBDA_HOST_NODE"], os.environ["LAMBDA_HOST_RIC"], function.handler],
            cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        threading.Thread(target=self._pump, args=(proc,), daemon=True).start()

    def _pump(self, proc):
        for line in proc.stdout:
            with self.log_lock:
                self.log.append(line.decode("utf-8", "replace"))
        code = proc.wait()
        if proc is not self.proc:
            return
        self.proc = None
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        body = json.dumps({"errorType": "Runtime.ExitError", "errorMessage": f"Runtime exited with error: {how}"}).encode()
        if not self.ready.done():
            LOG.error("%s ended while it started: %s", self.function_version.id.function_name, self.get_logs())
            self.ready.set_exception(StatusErrorException("init failed", payload=body))
        for future in list(self.pending.values()):
            if not future.done():
                future.set_result((True, body))

    def _await_init(self):
        self.ready.result(timeout=config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)

    def _kill(self):
        proc, self.proc = self.proc, None
        if proc:
            try:
                os.killpg(proc.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self):
        self._kill()
        if not self.ready.done():
            self.ready.cancel()
        for future in list(self.pending.values()):
            future.cancel()
        if self.server:
            self.next.put(None)
            self.server.shutdown()
            self.server.server_close()

    # ------------------------------------------------------------ invocations

    def invoke(self, payload):
        request, began = payload["invoke-id"], time.monotonic()
        if self.proc is None:
            self._spawn()
            self._await_init()
        timeout = int(self.env.get("AWS_LAMBDA_FUNCTION_TIMEOUT", "3"))
        future = self.pending[request] = Future()
        with self.log_lock:
            self.log.clear()
        self.next.put((request, payload, int((time.time() + timeout) * 1000)))
        try:
            is_error, body = future.result(timeout=timeout)
        except TimeoutError:
            self._kill()
            is_error, body = True, json.dumps({
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"RequestId: {request} Error: Task timed out after {timeout}.00 seconds"}).encode()
        finally:
            self.pending.pop(request, None)
        ms = (time.monotonic() - began) * 1000
        logs = (f"START RequestId: {request} Version: {self.function_version.id.qualifier}\n{self.get_logs()}"
                f"END RequestId: {request}\nREPORT RequestId: {request}\tDuration: {ms:.2f} ms\t"
                f"Memory Size: {self.function_version.config.memory_size} MB\n")
        return InvocationResult(request, body, is_error=is_error, logs=logs)

    def _handler(executor):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                if not executor.ready.done():
                    executor.ready.set_result(True)
                item = executor.next.get()
                if item is None:
                    self.close_connection = True
                    return
                request, payload, deadline = item
                body = payload["payload"].encode() if isinstance(payload["payload"], str) else payload["payload"]
                self.send_response(200)
                for name, value in {
                    "Content-Type": "application/json", "Content-Length": len(body),
                    "Lambda-Runtime-Aws-Request-Id": request, "Lambda-Runtime-Deadline-Ms": deadline,
                    "Lambda-Runtime-Invoked-Function-Arn": payload["invoked-function-arn"],
                    "Lambda-Runtime-Trace-Id": payload["trace-id"],
                }.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def read_body(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return body

            def do_POST(self):
                body = self.read_body()
                part = self.path.removeprefix(BASE).split("/")
                if part[0] == "invocation":
                    future = executor.pending.get(part[1])
                    if future and not future.done():
                        future.set_result((part[2] == "error", buffered_response(self.headers.get("Content-Type"), body)))
                elif part[:2] == ["init", "error"] and not executor.ready.done():
                    LOG.error("%s failed to start: %s", executor.function_version.id.function_name, body.decode())
                    executor.ready.set_exception(StatusErrorException("init failed", payload=body))
                reply = b'{"status":"OK"}'
                self.send_response(202)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

        return Handler

    # ------------------------------------------------------------ what LocalStack asks

    def get_logs(self):
        with self.log_lock:
            return "".join(self.log)

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return f"http://127.0.0.1:{self.server.server_port if self.server else 0}"

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass

    @classmethod
    def validate_environment(cls):
        return True

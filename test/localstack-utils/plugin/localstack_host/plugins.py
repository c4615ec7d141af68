"""What LocalStack finds by its entry points."""
import os
import signal
import threading
import time

from localstack.runtime import hooks
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class HostRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    name = "host"

    def load(self, *args, **kwargs):
        from localstack_host.executor import HostRuntimeExecutor

        return HostRuntimeExecutor


@hooks.on_infra_start()
def dynamodb_local_from_npm():
    """DynamoDB Local as it lies in DYNAMODB_LOCAL_HOME, on the JVM of the PATH; nothing is downloaded."""
    home = os.environ.get("DYNAMODB_LOCAL_HOME")
    if not home:
        return
    from localstack.services.dynamodb import packages, server

    installer = packages.DynamoDBLocalPackageInstaller
    installer.install = lambda self, target=None: None
    installer.get_java_env_vars = lambda self: {}
    installer.get_ddb_agent_jar_path = lambda self: ""
    server.DynamodbServer.jar_path = property(lambda self: f"{home}/DynamoDBLocal.jar")
    server.DynamodbServer.library_path = property(lambda self: f"{home}/DynamoDBLocal_lib")
    build = server.DynamodbServer._create_shell_command
    server.DynamodbServer._create_shell_command = lambda self: [
        part for part in build(self) if not part.startswith("-javaagent:")
    ]


@hooks.on_infra_start()
def end_with_the_parent():
    """A test that is killed leaves no LocalStack behind."""
    parent = int(os.environ.get("LOCALSTACK_HOST_PARENT", "0"))
    if parent == 0:
        return

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()

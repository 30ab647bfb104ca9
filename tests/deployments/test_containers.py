"""The container file, the compose files and the Kubernetes template hold together."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from secondsite.cli.main import load, parser_of
from tests.deployments.known import is_known_variable

REPOSITORY = Path(__file__).parents[2]
CONTAINER = REPOSITORY / "deployments" / "container"
COMPOSE = sorted(CONTAINER.glob("compose*.yaml"))
TEMPLATE = REPOSITORY / "deployments" / "kubernetes" / "job-template.yaml"


def read(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text("utf-8"))


def of_image(compose: Any) -> dict[str, Any]:
    """The services that run our image."""
    return {
        name: service
        for name, service in compose["services"].items()
        if service["image"] == "secondsite"
    }


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.stem)
def test_every_service_starts_a_command_that_is_there(file: Path) -> None:
    for name, service in of_image(read(file)).items():
        if service.get("entrypoint") == ["prefect"]:
            continue
        command, *words = service["command"]
        parser_of(command, load(command)).parse_args(words)
        assert name


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.stem)
def test_what_a_compose_file_names_is_in_it(file: Path) -> None:
    compose = read(file)

    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert set(service.get("secrets", ())) <= set(compose["secrets"]), name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (file.parent / source).resolve().exists(), volume
            else:
                assert source in compose["volumes"], volume
    built = {service["build"]["dockerfile"] for service in of_image(compose).values()}
    assert {(REPOSITORY / each).is_file() for each in built} == {True}


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.stem)
def test_every_variable_is_known_and_no_password_stands_in_one(file: Path) -> None:
    for name, service in of_image(read(file)).items():
        unknown = {each for each in service["environment"] if not is_known_variable(each)}
        assert unknown == set(), name
        text = json.dumps(service["environment"])
        assert not re.search(r"//[^/@\"]*:[^/@\"]*@", text), name


def test_a_worker_is_given_the_time_that_a_run_needs_to_stop() -> None:
    for file in COMPOSE:
        workers = {
            name: service
            for name, service in read(file)["services"].items()
            if name.startswith("worker")
        }
        assert workers
        assert {service["stop_grace_period"] for service in workers.values()} == {"45s"}


def test_high_availability_has_two_of_what_may_fail_and_the_proxy_knows_both_servers() -> None:
    services = read(CONTAINER / "compose-ha.yaml")["services"]
    proxied = re.findall(r"server ([\w-]+):4200", (CONTAINER / "nginx.conf").read_text("utf-8"))

    assert proxied == ["api-1", "api-2"]
    assert {"worker-1", "worker-2", "watch-1", "watch-2", "services"} <= set(services)
    for name in proxied:
        assert "--no-services" in services[name]["command"]
        assert (
            services[name]["environment"]["PREFECT_MESSAGING_BROKER"] == "prefect_redis.messaging"
        )
    assert services["services"]["environment"] == services["api-1"]["environment"]
    # On a new database both would write the types of blocks, and one would end.
    assert services["api-2"]["depends_on"] == services["api-1"]["depends_on"] | {
        "api-1": {"condition": "service_healthy"}
    }


def commands_of_prefect() -> Iterator[tuple[str, ...]]:
    """What the compose files have Prefect's own program do, word for word."""
    for file in COMPOSE:
        for service in of_image(read(file)).values():
            if service.get("entrypoint") == ["prefect"]:
                yield tuple(service["command"])


@pytest.mark.parametrize("words", sorted(set(commands_of_prefect())), ids=" ".join)
def test_prefects_own_commands_are_there(words: tuple[str, ...]) -> None:
    asked = [word for word in words if not word.startswith("-")]

    done = subprocess.run(
        [sys.executable, "-m", "prefect", *asked, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert " ".join(asked) in done.stdout.replace("\n", " "), "help of another command"
    assert all(word in done.stdout for word in words if word.startswith("-"))


def test_what_prefect_is_told_to_load_is_in_the_lock() -> None:
    installed = {str(file) for file in files("prefect-redis") or ()}
    variables = read(CONTAINER / "compose-ha.yaml")["services"]["api-1"]["environment"]
    modules = {value for value in variables.values() if value.startswith("prefect_redis.")}

    assert len(modules) == 3
    for module in modules:
        path = module.replace(".", "/")
        assert installed & {f"{path}.py", f"{path}/__init__.py"}, module


def test_the_image_is_made_of_files_that_are_there() -> None:
    text = (CONTAINER / "Containerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (.*)$", text, re.M) for word in line.split()[:-1]]

    assert {"constraints.txt", "secondsite/", "flows/", "tasks/"} <= set(copied)
    assert all((REPOSITORY / each).exists() for each in copied)
    assert "--require-hashes" in text
    assert "USER 10001" in text
    assert 'ENTRYPOINT ["secondsite"]' in text


def test_health_is_asked_in_words_that_run_and_at_the_port_that_is_served() -> None:
    for file in COMPOSE:
        for name, service in of_image(read(file)).items():
            words = service.get("healthcheck", {}).get("test")
            if not words:
                continue
            kind, program, option, code = words
            assert (kind, program, option) == ("CMD", "python", "-c"), name
            compile(code, f"{file.name}: {name}", "exec")
            (port,) = re.findall(r"127\.0\.0\.1:(\d+)/api/health", code)
            assert port == service["command"][service["command"].index("--port") + 1], name


def test_what_waits_for_health_waits_for_something_that_tells_it() -> None:
    for file in COMPOSE:
        services = read(file)["services"]
        for name, service in services.items():
            for other, wish in service.get("depends_on", {}).items():
                asked = services[other].get("healthcheck", {})
                if wish["condition"] == "service_healthy":
                    assert asked.get("test"), (name, other)
                if wish["condition"] == "service_completed_successfully":
                    assert services[other].get("restart") == "no", (name, other)


def test_the_job_template_uses_the_variables_that_it_declares() -> None:
    template = read(TEMPLATE)

    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))

    assert used == set(template["variables"]["properties"])
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert {each["name"] for each in pod["containers"][0]["volumeMounts"]} == {
        each["name"] for each in pod["volumes"]
    }
    assert pod["volumes"][1]["secret"]["defaultMode"] == 0o400
    uid = pod["securityContext"]["runAsUser"]
    assert f"USER {uid}" in (CONTAINER / "Containerfile").read_text("utf-8")

# care.remediation: set up, show, test, check, package. Each target sets up what it needs first.
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Ansible and Python need a UTF-8 locale; a bare machine has none set.
export LC_ALL := C.UTF-8

.DEFAULT_GOAL := help
.PHONY: help setup lab-up lab-down images demo test unit integration scenarios lint sanity dist clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s'|'

setup: ## packages, .venv and podman's configuration; quick when all is there
	@bash molecule/lab/setup.sh

images: setup ## build the lab's images, only what changed
	@$(PYTHON) -m care_lab images

lab-up: setup ## start the lab hospital (names in /etc/hosts)
	@$(PYTHON) -m care_lab up --instance lab --hosts-file

lab-down: setup ## remove every trace of all labs
	@$(PYTHON) -m care_lab down --all
	@$(PYTHON) -m care_lab down --instance lab

demo: setup ## the whole way, on the lab hospital: from reports to evidence, and back
	@$(PYTHON) -m care_lab.demo

test: setup ## all tests: unit, integration, every scenario; a table at the end
	@$(PYTHON) -m care_lab.testing

unit: setup ## unit tests only
	@$(PYTHON) -m care_lab.testing unit

integration: setup ## integration tests only
	@$(PYTHON) -m care_lab.testing integration

scenarios: setup ## Molecule scenarios only
	@$(PYTHON) -m care_lab.testing scenarios

lint: setup ## ruff, mypy, yamllint, ansible-lint
	@$(PYTHON) -m care_lab.testing lint

sanity: setup ## the sanity tests of ansible-test that can run here
	@bash tests/sanity.sh

dist: setup ## the collection's tarball, in build/
	@bash tests/dist.sh

clean: ## remove what was built, the .venv excepted
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .ansible care_remediation.egg-info
	find . -name __pycache__ -type d -prune -not -path './.venv/*' -exec rm -rf {} +

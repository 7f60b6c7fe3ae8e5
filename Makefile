# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# This file only names things. `make bootstrap` installs what they need and is part of each of them.

VENV := .cache/venvs/main
PYTHON := $(VENV)/bin/python
HOST ?= host-01
STARTED := $(shell date +%s)

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1 \t\2/p' Makefile | expand -t 26

demo: root bootstrap ## Watch a fleet get a new OS wave by wave, and a bad OS stopped (root)
	@DEMO_STARTED=$(STARTED) PYTHONPATH=.cache/collections:tests $(PYTHON) -m demo

demo-image-hosts: root bootstrap ## The same with hosts that boot images, and go back from a bad one by themselves (root)
	@PYTHONPATH=.cache/collections:tests $(PYTHON) -m demo.image_hosts

demo-image: root bootstrap ## Build an image, test, sign and publish it, and boot it in a machine (root)
	@DEMO_STARTED=$(STARTED) PYTHONPATH=.cache/collections:tests $(PYTHON) -m demo.images

demo-shell: root bootstrap ## Log in to a host of the running demo: make demo-shell HOST=host-01
	@PYTHONPATH=.cache/collections:tests $(PYTHON) -m testbed shell $(HOST)

test: root bootstrap ## Everything below: lint, unit, integration, e2e; two at a time (root)
	@$(PYTHON) -m tools.test

lint: bootstrap ## Format, types, documentation, ansible-lint, ansible-test sanity
	@$(PYTHON) -m tools.test lint

unit: bootstrap ## Unit tests, under three versions of ansible-core
	@$(PYTHON) -m tools.test unit

integration: root bootstrap ## Modules on real files, dnf and databases (root)
	@$(PYTHON) -m tools.test integration

e2e: root bootstrap ## Stories over a fleet of booted hosts (root)
	@$(PYTHON) -m tools.test e2e

test-vm: root bootstrap ## Power cuts of an emulated machine; VM_POINTS=10 for more than two of a kind (root)
	@PYTHONPATH=.cache/collections:tests $(PYTHON) -m pytest -q -s tests/vm/matrix_image_host.py

bench: root bootstrap ## Compare with peers, as ratios (root)
	@PYTHONPATH=.cache/collections:tests $(PYTHON) -m bench

build: bootstrap ## The collection's tarball, osaas-fleet-VERSION.tar.gz
	@$(VENV)/bin/ansible-galaxy collection build --force

lock: bootstrap ## Renew requirements/*.txt from requirements/*.in
	@$(PYTHON) -m tools.lock

root:
	@[ "$$(id -u)" = 0 ] || { echo "This boots hosts and mounts file systems: run it as root." >&2; exit 1; }

bootstrap: ## Install Debian packages and Python requirements, where missing
	@tools/bootstrap

clean: ## Remove caches, environments and test results of this checkout
	@tools/clean

.PHONY: help root demo demo-image-hosts demo-shell test lint unit integration e2e test-vm bench build lock bootstrap clean

# SPDX-License-Identifier: Apache-2.0
# Two commands: `make demo` runs a patrol and shows it, `make test` passes the tests. Both set up what they need first.
.PHONY: demo test setup lint bench mutants gazebo gazebo-clean clean help

help:
	@echo "make demo    set up, run the depot patrol in the embedded simulator and show it (ARGS=... goes to 'patrol demo')"
	@echo "make test    set up and run every test (ARGS=... goes to pytest)"
	@echo "make setup   only set up;  make lint   ruff and mypy;  make bench   all benchmarks;  make mutants   mutation tests;  make clean   remove what set-up made"
	@echo "make gazebo  set Gazebo 11 up in .run/gazebo, for 'patrol demo --sim gazebo';  make gazebo-clean   remove it"

setup:
	@scripts/setup.sh

demo:
	@scripts/setup.sh
	@exec .venv/bin/patrol demo $(ARGS)

test:
	@scripts/setup.sh --with-test-tools
	@failed=0; \
	.venv/bin/python -m pytest -n 2 --dist loadfile -m "not e2e and not ros and not gazebo" $(ARGS) || failed=1; \
	.venv/bin/python -m scripts.live_tests $(ARGS) || failed=1; \
	exit $$failed

lint:
	@scripts/setup.sh
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

bench:
	@scripts/setup.sh
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; .venv/bin/python $$file || exit 1; done

mutants:
	@scripts/setup.sh --with-test-tools
	@exec .venv/bin/python -m scripts.mutants $(ARGS)

gazebo:
	@scripts/setup.sh
	@exec .venv/bin/python -m sim.gazebo.provision

gazebo-clean:
	@scripts/setup.sh
	@exec .venv/bin/python -m sim.gazebo.provision --remove

clean:
	rm -rf .venv .run ros_ws/build ros_ws/install ros_ws/log command_centre/web/node_modules command_centre/web/dist

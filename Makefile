setup: .venv/run
.venv/run: requirements/run.txt
	@echo "Installing the locked dependencies into .venv ..."
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@touch $@
PYTHON ?= python3

